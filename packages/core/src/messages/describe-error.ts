import { isOwnType } from "../catalogue.ts";
import type { PipehooksEvent } from "../event.ts";
import type { MessageError } from "./message.ts";
import { timesIn } from "./quantities.ts";
import { tell } from "./tell.ts";
import { textAt } from "./told.ts";

/** What an event says of what went wrong, whole; undefined where nothing did. */
export function describeError(event: PipehooksEvent): MessageError | undefined {
  const { error, type } = event;
  if (error === undefined) return describeOwn(event);
  const { message, class: kind, code, stack, causes = [] } = error;
  // What a remote run says itself; the error's message repeats ids and address around it.
  const said = type.endsWith(".run.failed") ? textAt(event, "message") : undefined;
  return {
    title: kind !== undefined && code !== undefined ? `${kind} (${code})` : (kind ?? code),
    message: withoutClass(said ?? message, kind),
    causes: causes.map((cause) => `Caused by ${named(cause.class, cause.message)}`),
    stack: stack === undefined ? undefined : withoutMessage(stack, message),
  };
}

/** Why Pipehooks could not do something. */
function describeOwn(event: PipehooksEvent): MessageError | undefined {
  if (!isOwnType(event.type) || tell(event, timesIn("UTC")).mood !== "problem") return undefined;
  const message = textAt(event, "reason") ?? textAt(event, "because");
  if (message === undefined) return undefined;
  return { title: textAt(event, "code"), message, causes: [] };
}

function named(kind: string | undefined, message: string): string {
  return kind === undefined ? message : `${kind}: ${withoutClass(message, kind)}`;
}

function withoutClass(message: string, kind: string | undefined): string {
  const rest =
    kind !== undefined && message.startsWith(`${kind}: `) && message.slice(kind.length + 2);
  return rest || message;
}

/** A stack begins with what was said already. */
function withoutMessage(stack: string, message: string): string | undefined {
  const at = stack.indexOf(message);
  const rest = stack.slice(at + message.length);
  const isFirst = at >= 0 && !stack.slice(0, at).includes("\n") && /^\s*(?:\n|$)/.test(rest);
  const kept = isFirst ? rest.replace(/^\s*\n/, "") : stack;
  return kept.trim() === "" ? undefined : kept;
}
