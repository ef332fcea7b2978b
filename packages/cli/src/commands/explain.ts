import { isUtf8 } from "node:buffer";
import { readFile } from "node:fs/promises";
import { buffer as readAll } from "node:stream/consumers";
import { type ExplainTarget, type Explanation, messageOf, type Pipehooks } from "@pipehooks/core";
import { type Context, defineCommand, type ExitStatus } from "../command.ts";
import { parseEventText } from "../event-text.ts";
import { explanationLines } from "../explanation-lines.ts";
import { deliveriesOfKey, deliveryNumber } from "../ids.ts";
import { withBus } from "../open.ts";
import { printable } from "../text.ts";
import { UsageError } from "../usage-error.ts";

interface Options {
  readonly file?: string;
  readonly hook?: string;
  readonly source?: string;
}

export const explain = defineCommand<Options>({
  name: "explain",
  summary: "say for every hook why an event fires it, or not",
  operands: [
    { name: "[id]", description: "id of an event, of a delivery (dlv_42), or a webhook-id (ph_…)" },
  ],
  options: [
    {
      flags: "--file <file>",
      description:
        "an event that need not be stored, as JSON: CloudEvents or the short form; - is stdin",
    },
    { flags: "--hook <name>", description: "only this hook" },
    { flags: "--source <uri>", description: "which one, where several sources use the id" },
  ],
  notes: [
    "Nothing is stored or sent. Hooks that the event reaches come first.",
    "Marks: ✓ passed, ✗ stopped there, … waits, - not asked, ? cannot be worked out (counts as false).",
    "Examples:",
    "  pipehooks explain 0198a6c1-7f3e-7000-8000-000000000000 --hook ops-webhook",
    `  echo '{"type":"pipeline.error","pipeline":"orders"}' | pipehooks explain --file -`,
  ],
  async run(context, { operands: [id], options }) {
    const { file, hook, source } = options;
    if ((id === undefined) === (file === undefined)) {
      throw new UsageError("Give the id of an event, or --file with one: either of them.");
    }
    if (file !== undefined && source !== undefined) {
      throw new UsageError(
        "--source goes with an id: with --file the event says its source itself.",
      );
    }
    const target = file === undefined ? undefined : await readEvent(file);
    return withBus(context, { tellsRefusals: true }, async (bus) => {
      const found =
        target === undefined
          ? await explainId(bus, id ?? "", { hook, source })
          : await explainAll(bus, target, { hook, source });
      if (found.length > 0) return print(context, found, hook !== undefined);
      const from = source === undefined ? "" : ` from ${printable(source)}`;
      throw new UsageError(
        `There is no event ${printable(id ?? "")}${from} in ${bus.store.description}. ` +
          '"pipehooks events" lists what is there; --file explains an event that was never emitted.',
      );
    });
  },
});

async function readEvent(file: string): Promise<ExplainTarget> {
  const name = file === "-" ? "stdin" : file;
  try {
    const bytes = file === "-" ? await readAll(process.stdin) : await readFile(file);
    if (!isUtf8(bytes)) throw new UsageError("it is not UTF-8");
    // A byte order mark counts as white space.
    return parseEventText(bytes.toString("utf8").trim());
  } catch (error) {
    throw new UsageError(`${name}: ${messageOf(error)}`);
  }
}

interface Choice {
  readonly hook: string | undefined;
  readonly source: string | undefined;
}

/** A delivery's id, or its webhook-id, stands for its first event and its hook. */
async function explainId(
  bus: Pipehooks,
  id: string,
  { hook, source }: Choice,
): Promise<readonly Explanation[]> {
  const number = deliveryNumber(id);
  const found = number === undefined ? await explainAll(bus, id, { hook, source }) : [];
  if (found.length > 0) return found;
  const [row] =
    number === undefined
      ? await deliveriesOfKey(bus.store, id)
      : await bus.store.deliveries({ ids: [number], limit: 1 });
  if (row === undefined) return [];
  const explanation = await bus.explain(row.eventId, {
    hook: hook ?? row.hook,
    source: row.eventSource,
  });
  return explanation === undefined ? [] : [explanation];
}

/** An id alone may name events of several sources: all of them are explained. */
async function explainAll(
  bus: Pipehooks,
  target: ExplainTarget,
  { hook, source }: Choice,
): Promise<readonly Explanation[]> {
  const first = await bus.explain(target, { hook, source });
  if (first === undefined) return [];
  if (typeof target !== "string" || source !== undefined) return [first];
  const others = await Promise.all(
    first.otherSources.map((other) => bus.explain(target, { hook, source: other })),
  );
  return [first, ...others.flatMap((other) => other ?? [])];
}

function print(
  { output }: Context,
  explanations: readonly Explanation[],
  whole: boolean,
): ExitStatus {
  for (const [index, explanation] of explanations.entries()) {
    if (output.json) output.object(explanation);
    else {
      const lines = explanationLines(explanation, { colors: output.colors, whole });
      output.data(...(index === 0 ? [] : [""]), ...lines);
    }
  }
  if (explanations.length > 1 && !output.json) {
    output.say("Several sources use this id; --source picks one.");
  }
  return 0;
}
