import { toDeliveryId, unsettledStates } from "@pipehooks/core";
import { defineCommand } from "../command.ts";
import { withBus } from "../open.ts";
import { showProgress } from "../progress.ts";
import {
  checkSelection,
  type Filters,
  filterOptions,
  listSelected,
  type Selectable,
  selectDeliveries,
} from "../selection.ts";
import { plural } from "../text.ts";

interface Options extends Filters {
  readonly dryRun?: boolean;
}

const selectable: Selectable = {
  states: unsettledStates,
  unlessSaid: unsettledStates,
  otherwise: "is settled already",
  nothing: "there is nothing to cancel",
};

/** Ended in one transaction. */
const idsPerStep = 1000;

export const cancel = defineCommand<Options>({
  name: "cancel",
  summary: "end deliveries that are not settled: no more attempts",
  operands: [
    { name: "[id...]", description: "deliveries (dlv_42), or events: all their deliveries" },
  ],
  options: [
    ...filterOptions(selectable, "all of these"),
    { flags: "--dry-run", description: "list what would be cancelled, and change nothing" },
  ],
  notes: [
    "An attempt that runs at this moment may still reach the receiver.",
    "Examples:",
    "  pipehooks cancel dlv_42",
    "  pipehooks cancel --hook old-webhook --dry-run",
  ],
  run(context, { operands, options }) {
    checkSelection(operands, options, "cancel");
    const { output } = context;
    return withBus(context, {}, async ({ store }) => {
      const { rows, missed } = await selectDeliveries(
        context,
        store,
        operands,
        options,
        selectable,
      );
      const status = missed ? 1 : 0;
      if (options.dryRun === true) {
        listSelected(context, rows, "cancelled");
        return status;
      }
      const done: number[] = [];
      {
        using _progress = showProgress(
          output,
          () => `cancelling: ${done.length} of ${rows.length}`,
        );
        for (let at = 0; at < rows.length; at += idsPerStep) {
          const ids = rows.slice(at, at + idsPerStep).map(({ id }) => id);
          done.push(...(await store.cancel({ ids, limit: ids.length }, Date.now())));
        }
      }
      const ids = done.map(toDeliveryId);
      const said = `${plural(ids.length, "delivery", "deliveries")} cancelled`;
      if (output.json) output.object({ cancelled: ids });
      else if (operands.length === 0) output.data(said);
      else if (ids.length > 0) output.data(`${said}: ${ids.join(", ")}`);
      return status;
    });
  },
});
