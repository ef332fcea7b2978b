import { toDeliveryId, unsettledStates } from "@pipehooks/core";
import { defineCommand } from "../command.ts";
import { withBus } from "../open.ts";
import { showProgress } from "../progress.ts";
import { createSelection, type Filters } from "../selection.ts";
import { plural } from "../text.ts";

interface Options extends Filters {
  readonly dryRun?: boolean;
}

const selection = createSelection({
  verb: "cancel",
  done: "cancelled",
  states: unsettledStates,
  unlessSaid: { states: unsettledStates, text: "all of these" },
  otherwise: "is settled already",
  nothing: "there is nothing to cancel",
});

/** Ended in one transaction. */
const idsPerStep = 1000;

export const cancel = defineCommand<Options>({
  name: "cancel",
  summary: "end deliveries that are not settled: no more attempts",
  operands: [
    {
      name: "[id...]",
      description: "deliveries (dlv_42, or a webhook-id, ph_…), or events: all of theirs",
    },
  ],
  options: [
    ...selection.options,
    { flags: "--dry-run", description: "list what would be cancelled, and change nothing" },
  ],
  notes: [
    "An attempt that runs at this moment may still reach the receiver.",
    "Examples:",
    "  pipehooks cancel dlv_42",
    "  pipehooks cancel --hook old-webhook --dry-run",
  ],
  run(context, { operands, options }) {
    selection.check(operands, options);
    const { output } = context;
    return withBus(context, {}, async (bus) => {
      const { rows, missed } = await selection.find(context, bus, operands, options);
      if (options.dryRun === true) {
        selection.list(context, rows);
        return missed ? 1 : 0;
      }
      const done: number[] = [];
      {
        using _progress = showProgress(
          output,
          () => `cancelling: ${done.length} of ${rows.length}`,
        );
        for (let at = 0; at < rows.length; at += idsPerStep) {
          const ids = rows.slice(at, at + idsPerStep).map(({ id }) => id);
          done.push(...(await bus.store.cancel({ ids, limit: ids.length }, Date.now())));
        }
      }
      const ids = done.map(toDeliveryId);
      const said = `${plural(ids.length, "delivery", "deliveries")} cancelled`;
      if (output.json) output.object({ cancelled: ids });
      else if (operands.length === 0) output.data(said);
      else if (ids.length > 0) output.data(`${said}: ${ids.join(", ")}`);
      // What was named and is settled meanwhile was not cancelled.
      return missed || (operands.length > 0 && done.length < rows.length) ? 1 : 0;
    });
  },
});
