import { isOwnType } from "../catalogue.ts";
import type { PipehooksEvent } from "../event.ts";
import { commonKey } from "../gates/gate.ts";
import type { PreparedHook } from "../hook-config.ts";
import type { DeliveryRow } from "../store-query.ts";
import { type Around, explainDelivery, holdsOfHook } from "./explain-delivery.ts";
import { explainGate, foreseeGate } from "./explain-gate.ts";
import { explainRoute, type RouteExplanation } from "./explain-route.ts";
import type {
  DeliveryStep,
  ExplainedStep,
  GateStep,
  HookExplanation,
  HookVerdict,
  SwitchStep,
} from "./explanation.ts";
import type { Surroundings } from "./surroundings.ts";
import { timeText } from "./value-text.ts";

/** What the store has of the event for this hook. */
interface Stored {
  readonly rows: readonly DeliveryRow[];
  /** A gate announced it, and no process has routed it yet. */
  readonly unrouted: boolean;
}

/** Explains what one hook makes, or would make, of an event. */
export async function explainHook(
  hook: PreparedHook,
  event: PipehooksEvent,
  { stored, around }: { readonly stored: Stored | undefined; readonly around: Surroundings },
): Promise<HookExplanation> {
  const { name, kind } = hook;
  const rows = stored?.rows ?? [];
  const route = isAnnouncedBy(name, event, rows)
    ? announcedRoute(hook, event)
    : explainRoute(hook, event);
  const gate = await lookAtGate(route, event, { hook: name, stored, around });
  const aroundHook: Around = { ...around, hook };
  const deliveries = await Promise.all(rows.map((row) => explainDelivery(row, aroundHook)));
  const [enabled, ...others] = route.steps;
  const steps: ExplainedStep[] = [
    ...(enabled === undefined ? [] : [enabled]),
    ...(hook.policy.enabled ? [explainSwitch(around.off(name))] : []),
    ...others,
    ...(gate === undefined ? [] : [gate.step]),
    ...deliveries,
  ];
  const changed = changeOf(route, event, { hook, stored });
  const common = { hook: name, kind, reached: route.reached, changed, steps };
  const [first] = deliveries;
  if (first !== undefined) {
    return { ...common, verdict: first.state, summary: storedSummary(deliveries) };
  }
  if (!route.reached) {
    return { ...common, verdict: "not_reached", summary: `does not fire: ${route.because}` };
  }
  if (stored !== undefined) {
    const summary = stored.unrouted
      ? "a gate announced the event; it waits to be routed by the next process that delivers"
      : (changed ?? "did not fire");
    return { ...common, verdict: "not_reached", summary };
  }
  const holds = holdsOfHook(aroundHook).map(({ text }) => text);
  const later = holds.length === 0 ? "" : `, but waits: ${holds.join("; ")}`;
  const { verdict, would } = gate?.foreseen ?? { verdict: "fires" as const, would: ["fires"] };
  return { ...common, verdict, summary: would.join("; ") + (verdict === "fires" ? later : "") };
}

/** A hook that got the event and is not configured any more. */
export async function explainUnknownHook(
  hook: string,
  rows: readonly DeliveryRow[],
  around: Surroundings,
): Promise<HookExplanation> {
  const steps = await Promise.all(
    rows.map((row) => explainDelivery(row, { ...around, hook: undefined })),
  );
  const verdict = steps[0]?.state ?? "not_reached";
  const changed = "it reached the hook then, which is not configured any more";
  const summary = storedSummary(steps);
  return { hook, kind: "", verdict, summary, reached: false, changed, steps };
}

function explainSwitch(off: ReturnType<Surroundings["off"]>): SwitchStep {
  if (off === undefined) return { step: "switch", verdict: "passed", text: "it is switched on" };
  const disabledAt = timeText(off.at);
  const text = `it is disabled since ${disabledAt}: ${off.because}. What is accepted for it waits`;
  return { step: "switch", verdict: "waits", text, disabledAt, because: off.because };
}

/** What a gate tells its own hook does not ask for the hook's patterns. */
function isAnnouncedBy(
  hook: string,
  { type, metadata }: PipehooksEvent,
  rows: readonly DeliveryRow[],
): boolean {
  return isOwnType(type) && metadata.hook === hook && rows.some(({ gate }) => gate?.release);
}

function announcedRoute(hook: PreparedHook, event: PipehooksEvent): RouteExplanation {
  const { steps } = explainRoute(hook, event);
  const [enabled, events] = steps;
  const text = "the hook's own gate announced it, which asks for no pattern";
  const unasked =
    events?.step === "events" ? [{ ...events, verdict: "unasked" as const, text }] : [];
  return { reached: true, steps: [...(enabled === undefined ? [] : [enabled]), ...unasked] };
}

async function lookAtGate(
  { gate: at }: RouteExplanation,
  event: PipehooksEvent,
  parts: {
    readonly hook: string;
    readonly stored: Stored | undefined;
    readonly around: Surroundings;
  },
): Promise<
  | {
      readonly step: GateStep;
      readonly foreseen?: { verdict: HookVerdict; would: readonly string[] };
    }
  | undefined
> {
  if (at === undefined) return undefined;
  const { hook, stored, around } = parts;
  const { gate, facts } = at;
  const { now } = around;
  const then = stored?.rows.find((row) => row.gate !== undefined);
  const key = then?.gate?.key ?? gate.keyOf(event);
  const [row] = await around.store.gates({ hook, key, limit: 1 });
  const step = explainGate(at, { key, row, now });
  if (facts === undefined || stored !== undefined) return { step };
  const full = row === undefined && (await isFull(hook, gate.spec.maxKeys, around));
  const foreseen = foreseeGate(gate, facts, { key, row, now, full });
  return { step: { ...step, would: foreseen.would }, foreseen };
}

async function isFull(hook: string, maxKeys: number, { store }: Surroundings): Promise<boolean> {
  return (await store.gates({ hook, limit: maxKeys })).length >= maxKeys;
}

/** What the configuration of now says otherwise than that of then. */
function changeOf(
  { reached, because, gate }: RouteExplanation,
  event: PipehooksEvent,
  { hook, stored }: { readonly hook: PreparedHook; readonly stored: Stored | undefined },
): string | undefined {
  if (stored === undefined || stored.unrouted) return undefined;
  const [row] = stored.rows;
  if (row === undefined) {
    return reached
      ? "it would reach the hook now and did not then: the configuration was another one"
      : undefined;
  }
  if (!reached) return `it reached the hook then and would not now: ${because}`;
  const isOwn = isOwnType(event.type);
  if (row.gate === undefined && hook.gate !== undefined && !isOwn) {
    return `it was delivered without a gate then; now it would come to a ${hook.gate.spec.kind}`;
  }
  if (row.gate === undefined) return undefined;
  if (hook.gate === undefined) return "it came to a gate then; the hook has none now";
  const key = gate?.gate.keyOf(event);
  if (key === undefined || key === row.gate.key) return undefined;
  return `it came to the gate as ${keyText(row.gate.key)} then, and would as ${keyText(key)} now`;
}

function keyText(key: string): string {
  return key === commonKey ? "the common group" : JSON.stringify(key);
}

function storedSummary(deliveries: readonly DeliveryStep[]): string {
  return deliveries
    .map(({ text, events, delivery }, index) => {
      const others = events - 1;
      const together =
        others < 1
          ? ""
          : `, together with ${others === 1 ? "1 other event" : `${others} other events`}`;
      return `${index === 0 ? "" : `again as ${delivery}: `}${text}${together}`;
    })
    .join("; ");
}
