import type { Pipehooks } from "@pipehooks/core";
import { attemptLine, deliveryOf, tallyAttempts } from "./attempts.ts";
import type { Context, ExitStatus } from "./command.ts";
import { deliveryJson, deliveryNumber } from "./ids.ts";
import { showProgress } from "./progress.ts";
import { type Settled, untilSettled } from "./settled.ts";
import { listenForStop } from "./stopping.ts";
import { plural, printable } from "./text.ts";

const mostRowsShown = 1000;

/** Delivers until the named deliveries are settled, telling of each attempt at them; 1 when one died or was left. */
export async function waitForDeliveries(
  { output }: Pick<Context, "output">,
  bus: Pipehooks,
  deliveryIds: readonly string[],
): Promise<{ readonly status: ExitStatus; readonly rows: readonly object[] }> {
  const ids = deliveryIds.flatMap((id) => deliveryNumber(id) ?? []);
  const wanted = new Set(deliveryIds);
  let left = ids.length;
  using stopping = listenForStop(() =>
    output.say("Stopping; what is not delivered stays in the store."),
  );
  const { listening } = tallyAttempts(bus, (event) => {
    if (wanted.has(deliveryOf(event))) output.say(attemptLine(event, output.talkColors));
  });
  using _listening = listening;
  using _disabled = bus.on("pipehooks.hook.disabled", ({ metadata }) => {
    output.error(`Hook "${metadata.hook}" is disabled: ${printable(String(metadata.because))}`);
  });
  using _progress = showProgress(
    output,
    () => `waiting for ${plural(left, "delivery", "deliveries")}…`,
  );
  const settled = await untilSettled(bus, ids, {
    signal: stopping.signal,
    left: (count) => {
      left = count;
    },
  });
  tell(output, settled);
  const asked = ids.slice(0, mostRowsShown);
  const rows = output.json ? await bus.store.deliveries({ ids: asked, limit: asked.length }) : [];
  return {
    status: settled.dead.length + settled.left.length > 0 ? 1 : 0,
    rows: rows.toSorted((a, b) => a.id - b.id).map(deliveryJson),
  };
}

function tell(output: Context["output"], { counts, gathering, left, off }: Settled): void {
  const parts = Object.entries(counts).flatMap(([state, count]) =>
    count > 0 ? `${count} ${state}` : [],
  );
  if (gathering > 0) parts.push(`${gathering} gathering at a gate`);
  if (left.length > 0) parts.push(`${left.length} left in the store`);
  if (parts.length > 0) output.say(`${parts.join(", ")}.`);
  if (left.length > 0 && off.length > 0) {
    output.say(
      `Switched off, or not configured any more: ${off.map(printable).join(", ")}. "pipehooks hooks" says why.`,
    );
  }
}
