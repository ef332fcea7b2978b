import { statSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { type ErrorCode, HookError, isHookError, messageOf } from "@pipehooks/core";

type Module = Readonly<Record<string, unknown>>;

/**
 * Imports a module by its path, TypeScript by Node's type stripping.
 * @throws HookError PLUGIN_INVALID with the place that Node names
 */
export async function importModule(
  file: string,
  shown: string,
  code: ErrorCode = "PLUGIN_INVALID",
): Promise<Module> {
  const found = statSync(file, { throwIfNoEntry: false });
  if (found === undefined)
    throw new HookError(code, `${shown} cannot be loaded: there is no such file.`);
  if (found.isDirectory())
    throw new HookError(code, `${shown} cannot be loaded: it is a folder. Name a file in it.`);
  try {
    return await importOrGiveUp(pathToFileURL(file).href);
  } catch (cause) {
    if (isHookError(cause)) throw cause;
    throw new HookError(code, `${shown} cannot be loaded: ${importTrouble(cause, file)}`, {
      cause,
    });
  }
}

/** Ends of imports that are under way. */
const waiting = new Set<() => void>();

// A module may wait for what never comes; then Node would end the process without a word.
async function importOrGiveUp(url: string): Promise<Module> {
  const { promise: givenUp, reject } = Promise.withResolvers<never>();
  const giveUp = () =>
    reject(new Error("it waits at its top level for something that never comes."));
  if (waiting.size === 0) process.on("beforeExit", giveUpAll);
  waiting.add(giveUp);
  try {
    return await Promise.race([import(/* @vite-ignore */ url) as Promise<Module>, givenUp]);
  } finally {
    waiting.delete(giveUp);
    if (waiting.size === 0) process.off("beforeExit", giveUpAll);
  }
}

// One listener for all: Node warns of more than ten.
function giveUpAll(): void {
  for (const giveUp of waiting) giveUp();
}

function importTrouble(cause: unknown, file: string): string {
  const message = messageOf(cause).split("\n", 1)[0] ?? "";
  const place = placeIn(cause, file);
  return `${message}${place === undefined ? "" : ` (${place})`}`;
}

// A syntax error carries `file:line` as the first line of its stack, others `file:line:column` in a frame.
function placeIn(cause: unknown, file: string): string | undefined {
  if (!(cause instanceof Error)) return undefined;
  const line = (cause.stack ?? "").split("\n").find((text) => text.includes(file));
  const position = line?.slice(line.indexOf(file) + file.length);
  const [, numbers] = /^(?:\?[^:]*)?(:\d+(?::\d+)?)/.exec(position ?? "") ?? [];
  return numbers === undefined ? undefined : `${file}${numbers}`;
}
