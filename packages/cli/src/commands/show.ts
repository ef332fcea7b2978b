import {
  type AttemptRow,
  type DeliveryRow,
  eventIdInKey,
  formatDuration,
  type PipehooksEvent,
  type Store,
  toDeliveryId,
} from "@pipehooks/core";
import { outcomeText } from "../attempts.ts";
import { type Context, defineCommand, type ExitStatus } from "../command.ts";
import { allEvents, deliveryJson, deliveryNumber } from "../ids.ts";
import { withBus } from "../open.ts";
import { printable } from "../text.ts";
import { iso, relative } from "../time.ts";

interface Shown {
  readonly event: PipehooksEvent;
  readonly acceptedAt: number;
  readonly deliveries: readonly {
    readonly row: DeliveryRow;
    readonly attempts: readonly AttemptRow[];
  }[];
}

export const show = defineCommand<Record<never, never>>({
  name: "show",
  summary: "show an event, its deliveries, and what each attempt was answered",
  operands: [
    { name: "<id>", description: "id of an event, of a delivery (dlv_42), or a webhook-id (ph_…)" },
  ],
  run: (context, { operands: [id = ""] }) =>
    withBus(context, {}, (bus) => showId(context, bus.store, id)),
});

async function showId({ output }: Context, store: Store, id: string): Promise<ExitStatus> {
  const inKey = eventIdInKey(id);
  let found = await find(store, id);
  if (found.length === 0 && inKey !== undefined) found = await find(store, inKey);
  if (found.length === 0) {
    output.error(`There is no event and no delivery ${printable(id)} in ${store.description}.`);
    return 1;
  }
  for (const { event, acceptedAt, deliveries } of found) {
    if (output.json) {
      output.object({
        event,
        acceptedAt: iso(acceptedAt),
        deliveries: deliveries.map(({ row, attempts }) => ({
          ...deliveryJson(row),
          history: attempts.map(({ deliveryId: _id, startedAt, ...attempt }) => ({
            ...attempt,
            startedAt: iso(startedAt),
          })),
        })),
      });
    } else {
      output.data(output.colors.bold(`${printable(event.type)}  ${printable(event.id)}`));
      output.block(event);
      for (const delivery of deliveries) output.data("", ...deliveryLines(output, delivery));
    }
  }
  return 0;
}

/** An id alone may name events of several sources. */
async function find(store: Store, id: string): Promise<readonly Shown[]> {
  const number = deliveryNumber(id);
  const [named] = number === undefined ? [] : await store.deliveries({ ids: [number], limit: 1 });
  if (number !== undefined && named === undefined) return [];
  const query = named === undefined ? { id } : { id: named.eventId, source: named.eventSource };
  const shown: Shown[] = [];
  for await (const { body, acceptedAt } of allEvents(store, query)) {
    const event = JSON.parse(body) as PipehooksEvent;
    const rows =
      named === undefined
        ? await store.deliveries({ eventId: id, limit: 1000, oldestFirst: true })
        : [named];
    const deliveries = await Promise.all(
      rows
        .filter(({ eventSource }) => eventSource === event.source)
        .map(async (row) => ({ row, attempts: await store.attempts(row.id) })),
    );
    shown.push({ event, acceptedAt, deliveries });
  }
  return shown;
}

function deliveryLines(
  { colors }: Context["output"],
  { row, attempts }: Shown["deliveries"][number],
): readonly string[] {
  const now = Date.now();
  const due =
    row.dueAt !== undefined && row.state !== "running" ? `, due ${relative(row.dueAt, now)}` : "";
  const settled = row.settledAt === undefined ? "" : `, ${relative(row.settledAt, now)}`;
  const title = `${colors.bold(toDeliveryId(row.id))}  ${printable(row.hook)}  ${outcomeText(row.state, colors)}`;
  return [
    title + colors.dim(`${settled}${due}`),
    ...(row.reason === undefined ? [] : [`  ${printable(row.reason)}`]),
    ...attempts.flatMap((attempt) => attemptLines(attempt, colors)),
  ];
}

function attemptLines(attempt: AttemptRow, colors: Context["output"]["colors"]): readonly string[] {
  const { number, startedAt, durationMs, outcome, code, message, answer } = attempt;
  const parts = [
    `  attempt ${number}`,
    colors.dim(iso(startedAt) ?? ""),
    outcomeText(outcome, colors),
    `took ${formatDuration(durationMs)}`,
    ...(code === undefined ? [] : [code]),
  ];
  return [
    parts.join("  "),
    ...(message === undefined ? [] : [`    ${printable(message)}`]),
    ...(answer === undefined ? [] : [`    answer: ${JSON.stringify(answer)}`]),
  ];
}
