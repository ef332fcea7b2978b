import type { Delivery, JsonValue, Outcome } from "@pipehooks/core";
import { type DbtCloudRunOptions, dbtCloudRun } from "@pipehooks/dbt";
import {
  createDbtCloudReceiver,
  createTestDelivery,
  createTestEvent,
  createVirtualTime,
  type DbtCloudReceiver,
  type DbtCloudReceiverOptions,
  type OpenedHook,
  openHook,
  type TestDelivery,
  type VirtualTime,
} from "@pipehooks/testing";

export interface Ended {
  /** The last outcome, or what was thrown. */
  readonly outcome: Outcome | Error | void;
  readonly delivery: TestDelivery;
  /** The stored states, one after the other. */
  readonly states: readonly JsonValue[];
  readonly claims: number;
}

/** A hook and its receiver on virtual time; claims are made one after the other, as a bus would. */
export interface Bench extends AsyncDisposable {
  readonly dbt: DbtCloudReceiver;
  readonly time: VirtualTime;
  readonly opened: OpenedHook;
  readonly options: DbtCloudRunOptions;
  /** Claims until it is settled; errors that are worth it are tried again, at most so often. */
  deliver(fields?: Partial<Delivery>, most?: number): Promise<Ended>;
  /** Another hook with the same options, as after a restart. */
  another(more?: Partial<DbtCloudRunOptions>): Promise<OpenedHook>;
}

export async function createBench(
  options: Partial<DbtCloudRunOptions> = {},
  receiver: DbtCloudReceiverOptions = {},
): Promise<Bench> {
  const time = createVirtualTime();
  const dbt = await createDbtCloudReceiver({ now: time.now, ...receiver });
  const all: DbtCloudRunOptions = {
    host: dbt.url,
    token: dbt.token,
    accountId: dbt.accountId,
    job: 42,
    ...options,
  };
  const context = { clock: time.clock, random: time.random };
  const opened = await openHook(dbtCloudRun, all, context);
  const more: OpenedHook[] = [];
  return {
    dbt,
    time,
    opened,
    options: all,
    deliver: (fields = {}, most = 200) => settle(opened, time, fields, most),
    async another(changes) {
      const other = await openHook(dbtCloudRun, { ...all, ...changes }, context);
      more.push(other);
      return other;
    },
    async [Symbol.asyncDispose]() {
      for (const other of [opened, ...more]) await other[Symbol.asyncDispose]();
      await dbt[Symbol.asyncDispose]();
    },
  };
}

/** Claims of one delivery until it is settled, time going on between them. */
export async function settle(
  opened: OpenedHook,
  time: VirtualTime,
  fields: Partial<Delivery> = {},
  most = 200,
): Promise<Ended> {
  const states: JsonValue[] = [];
  let { state, attempt = 1 } = fields;
  for (let claims = 1; ; claims += 1) {
    const delivery = createTestDelivery({ ...fields, state, attempt });
    const outcome = await Promise.resolve()
      .then(() => opened.hook.deliver(delivery))
      .catch((error: unknown) => (error instanceof Error ? error : new Error(String(error))));
    const isRetry = outcome instanceof Error && Reflect.get(outcome, "retryable") === true;
    const isPending = !(outcome instanceof Error) && outcome?.type === "pending";
    if (isPending) states.push(outcome.state);
    if (claims >= most || (!isRetry && !isPending)) return { outcome, delivery, states, claims };
    if (isPending) {
      state = outcome.state;
      await time.advance(outcome.againMs);
    } else {
      attempt += 1;
      const kept: unknown = Reflect.get(outcome as Error, "state");
      if (kept !== undefined) state = kept as JsonValue;
      await time.advance(Number(Reflect.get(outcome as Error, "retryAfterMs") ?? 1000));
    }
  }
}

/** An event with this metadata. */
export function load(metadata: Record<string, JsonValue>, id = "evt_1") {
  return createTestEvent({ id, type: "load.completed", metadata });
}
