import { type EmitResult, isHookError, messageOf, type Pipehooks } from "@pipehooks/core";
import type { Context, ExitStatus } from "./command.ts";
import { parseEventText } from "./event-text.ts";
import { inheritedFields } from "./inherited.ts";
import { type Line, readLines } from "./lines.ts";
import { withBus } from "./open.ts";
import { showProgress } from "./progress.ts";
import { plural } from "./text.ts";
import { waitForDeliveries } from "./wait.ts";

/** Groups of lines that are on their way into the store at one time: enough to keep it busy, few enough to bound memory. */
const mostGroups = 8;

interface Emitted {
  readonly line: number;
  readonly result?: EmitResult;
  readonly error?: unknown;
}

/** Emits each line of stdin; bad lines are told by number and the rest is stored. */
export function emitLines(context: Context, { wait }: { wait: boolean }): Promise<ExitStatus> {
  return withBus(context, { deliver: wait, worker: true, tellsRefusals: true }, (bus) =>
    emitAll(context, bus, wait),
  );
}

async function emitAll(context: Context, bus: Pipehooks, wait: boolean): Promise<ExitStatus> {
  const { output } = context;
  const startedAt = performance.now();
  const counts = { stored: 0, duplicates: 0, refused: 0 };
  const deliveries: string[] = [];
  const underWay: Promise<readonly Emitted[]>[] = [];
  let storeError: unknown;

  const finishOldest = async (): Promise<void> => {
    for (const emitted of (await underWay.shift()) ?? []) {
      if (emitted.result !== undefined) {
        counts[emitted.result.duplicate ? "duplicates" : "stored"] += 1;
        if (wait) for (const { id } of emitted.result.deliveries) deliveries.push(id);
        print(context, emitted.line, emitted.result);
      } else if (isStoreError(emitted.error)) {
        storeError ??= new Error(`line ${emitted.line}: ${messageOf(emitted.error)}`, {
          cause: emitted.error,
        });
      } else {
        counts.refused += 1;
        refuse(context, emitted);
      }
    }
    await output.ready();
  };

  {
    using _progress = showProgress(output, () => `${counts.stored} stored…`);
    for await (const lines of readLines(process.stdin)) {
      underWay.push(Promise.all(lines.map((line) => emitLine(bus, line))));
      if (underWay.length >= mostGroups) await finishOldest();
      if (storeError !== undefined) break;
    }
    while (underWay.length > 0) await finishOldest();
  }

  const seconds = (performance.now() - startedAt) / 1000;
  const parts = [
    `${counts.stored} stored`,
    ...(counts.duplicates > 0 ? [plural(counts.duplicates, "duplicate")] : []),
    ...(counts.refused > 0 ? [`${plural(counts.refused, "line")} refused`] : []),
  ];
  output.say(`${parts.join(", ")}, in ${seconds.toFixed(1)} s.`);
  if (storeError !== undefined) {
    output.error(`The store took no more: ${messageOf(storeError)}`);
    return 1;
  }
  const { status } = wait ? await waitForDeliveries(context, bus, deliveries) : { status: 0 };
  return counts.refused > 0 ? 1 : status;
}

async function emitLine(bus: Pipehooks, line: Line): Promise<Emitted> {
  if ("problem" in line) return { line: line.number, error: new Error(line.problem) };
  try {
    const { type, ...said } = parseEventText(line.text);
    // One that has an id has happened before, and perhaps elsewhere.
    const fields = said.id === undefined ? { ...inheritedFields(), ...said } : said;
    return { line: line.number, result: await bus.emitUnknown(type, fields) };
  } catch (error) {
    return { line: line.number, error };
  }
}

function print({ output }: Context, line: number, result: EmitResult): void {
  if (output.gone.aborted) return;
  const { event, duplicate, deliveries } = result;
  if (output.json) output.object({ line, event, duplicate, deliveries });
  else if (duplicate) output.say(`line ${line}: duplicate of ${event.id}, which was stored before`);
  else output.object(event);
}

function refuse({ output }: Context, { line, error }: Emitted): void {
  const message = messageOf(error);
  if (output.json) {
    output.object({
      line,
      error: { code: isHookError(error) ? error.code : "LINE_INVALID", message },
    });
  }
  output.error(`line ${line}: ${message}`);
}

function isStoreError(error: unknown): boolean {
  return isHookError(error) && (error.code.startsWith("STORE_") || error.code === "CLOSED");
}
