import { toDeliveryId, unsettledStates } from "@pipehooks/core";
import { defineCommand } from "../command.ts";
import { findNamed } from "../ids.ts";
import { withBus } from "../open.ts";
import { plural, printable } from "../text.ts";

export const cancel = defineCommand<Record<never, never>>({
  name: "cancel",
  summary: "end deliveries that are not settled: no more attempts",
  operands: [
    { name: "<id...>", description: "deliveries (dlv_42), or events: all their deliveries" },
  ],
  notes: ["An attempt that runs at this moment may still reach the receiver."],
  run: ({ output, ...context }, { operands }) =>
    withBus({ output, ...context }, {}, async (bus) => {
      const cancelled: number[] = [];
      let missed = false;
      for (const { id, known, deliveries } of await findNamed(bus.store, operands)) {
        const open = deliveries.filter(({ state }) => unsettledStates.includes(state));
        const ids = open.map((row) => row.id);
        const done =
          ids.length === 0 ? [] : await bus.store.cancel({ ids, limit: ids.length }, Date.now());
        cancelled.push(...done);
        if (done.length > 0) continue;
        missed = true;
        const states = deliveries
          .map((row) => `${toDeliveryId(row.id)} is ${row.state}`)
          .join(", ");
        output.error(
          known
            ? `${printable(id)}: there is nothing to cancel (${states === "" ? "it reached no hook" : states}).`
            : `${printable(id)}: there is no such delivery or event.`,
        );
      }
      const ids = cancelled.map(toDeliveryId);
      if (output.json) output.object({ cancelled: ids });
      else if (ids.length > 0) {
        output.data(`${plural(ids.length, "delivery", "deliveries")} cancelled: ${ids.join(", ")}`);
      }
      return missed ? 1 : 0;
    }),
});
