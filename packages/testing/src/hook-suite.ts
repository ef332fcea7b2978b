import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { inspect, isDeepStrictEqual } from "node:util";
import {
  createRedactor,
  type Delivery,
  type HookError,
  type HookFactory,
  isHookError,
  type Outcome,
} from "@pipehooks/core";
import { type StatusClass, statusOf, usualStatuses } from "./http-statuses.ts";
import { checkOptions, type OpenedHook, openHook } from "./open-hook.ts";
import {
  createHttpReceiver,
  type HttpReceiver,
  type ReceivedRequest,
  type Respond,
} from "./receivers/http.ts";
import { createTestDelivery } from "./test-delivery.ts";

export interface HookSuite<Input> {
  /** `describe` and `it` of vitest or of node:test. */
  readonly runner: {
    describe(name: string, body: () => void): unknown;
    it(name: string, body: () => Promise<void>): unknown;
  };
  readonly hook: HookFactory<Input>;
  /** Options that make it deliver to the receiver; with every kind of secret that it takes. */
  readonly options: (receiver: HttpReceiver) => Input;
  /** The secrets among these options, as written: none may come out again, in whatever form. */
  readonly secrets: readonly string[];
  /** Options that are wrong, each with the paths that must be named (dotted; empty for the whole). */
  readonly invalid: readonly { readonly options: unknown; readonly paths: readonly string[] }[];
  /** What the receiver answers where all is well. @default 200 */
  readonly respond?: Respond;
  /** Where a request carries the delivery's idempotency key; leave it out where the receiver knows none. */
  readonly idempotencyKey?: (request: ReceivedRequest) => string | undefined;
  /** Fields of the deliveries, such as the event. */
  readonly delivery?: Partial<Delivery>;
  /** Statuses that mean something else at this receiver, or `false` to leave the table out. */
  readonly statuses?: Readonly<Record<number, StatusClass>> | false;
}

/** A stopped attempt ends within this, on a busy machine too. */
const atOnceMs = 1_000;
const timeoutMs = 300;

/**
 * The contract that every hook kind over HTTP keeps; declares its tests with the runner given. Real requests go to a
 * receiver on this machine.
 * @example
 * testHook({ runner: { describe, it }, hook: webhook, options: ({ url }) => ({ url }), secrets: [], invalid: [] });
 */
export function testHook<Input>(suite: HookSuite<Input>): void {
  const { describe, it } = suite.runner;
  describe(`the hook contract: ${suite.hook.kind.name}`, () => {
    it("an event reaches the receiver", () =>
      using(suite, undefined, async ({ receiver, deliver }) => {
        await deliver();

        assert.ok(receiver.requests.length > 0, "no request came");
      }));

    for (const { options, paths } of suite.invalid) {
      it(`bad options are refused at once: ${paths.map((path) => path || "the whole").join(", ")}`, async () => {
        const { problems } = await checkOptions(suite.hook.kind, options);

        const named = problems.map(({ path }) => path);
        for (const path of paths) {
          assert.ok(named.includes(path), `"${path}" is not among ${inspect(problems)}`);
        }
      });
    }

    it("an attempt ends at once when its signal aborts", () =>
      using(suite, "never", async ({ receiver, deliver }) => {
        const controller = new AbortController();
        const attempt = endOf(deliver({ signal: controller.signal }));
        await receiver.received(1);

        const startedAt = performance.now();
        controller.abort(new Error("stopped"));
        const error = await attempt;

        assert.ok(performance.now() - startedAt < atOnceMs, "it went on after the abort");
        assertRetryable(error);
      }));

    it("an attempt whose signal has aborted already sends nothing", () =>
      using(suite, undefined, async ({ receiver, deliver }) => {
        const error = await endOf(deliver({ signal: AbortSignal.abort(new Error("stopped")) }));

        assertRetryable(error);
        assert.equal(receiver.requests.length, 0);
      }));

    for (const behaviour of ["never", "drip"] as const) {
      const how = behaviour === "never" ? "never answers" : "answers one byte a second";
      it(`an attempt ends at its time-out when the receiver ${how}`, () =>
        using(suite, behaviour, async ({ deliver }) => {
          const startedAt = performance.now();
          const error = await endOf(deliver({ signal: AbortSignal.timeout(timeoutMs) }));

          assert.ok(performance.now() - startedAt < timeoutMs + atOnceMs, "it went on too long");
          assertRetryable(error);
          assert.equal(error.code, "TIMEOUT");
        }));
    }

    declareStatuses(suite);

    it("a connection that is cut, or answers that are no HTTP, are worth another attempt", () =>
      using(suite, ["cut", "garbage"], async ({ deliver }) => {
        for (const attempt of [1, 2]) assertRetryable(await endOf(deliver({ attempt })));
      }));

    it("a receiver that is not there is worth another attempt", () =>
      using(suite, undefined, async ({ receiver, deliver }) => {
        await receiver[Symbol.asyncDispose]();

        assertRetryable(await endOf(deliver()));
      }));

    const { idempotencyKey } = suite;
    if (idempotencyKey !== undefined) {
      it("the idempotency key stays the same over attempts and differs between deliveries", () =>
        using(suite, undefined, async ({ receiver, deliver }) => {
          for (const attempt of [1, 2]) await deliver({ idempotencyKey: "whk_a", attempt });
          const first = receiver.requests.map(idempotencyKey);
          await deliver({ idempotencyKey: "whk_b" });
          const second = receiver.requests.slice(first.length).map(idempotencyKey);

          const keys = new Set(first.filter((key) => key !== undefined));
          assert.equal(keys.size, 1, `keys of one delivery: ${inspect(first)}`);
          assert.ok(!second.some((key) => keys.has(key ?? "")), "two deliveries share a key");
        }));
    }

    it("no secret comes out in errors, logs and answers, even if the receiver echoes it", async () => {
      const echo = (status: number) => (request: ReceivedRequest) => ({
        status,
        headers: { location: `http://example.com${request.path}` },
        body: JSON.stringify([request.path, request.headers, request.text]),
      });
      const seen: unknown[] = [];
      for (const respond of [
        echo(200),
        echo(301),
        echo(400),
        echo(503),
        "garbage",
        "cut",
      ] as const) {
        await using(suite, respond, async ({ deliver, opened }) => {
          seen.push(await deliver().catch((error: unknown) => error), opened.logs);
        });
      }

      const text = inspect(seen, { depth: 12, maxStringLength: null, maxArrayLength: null });
      assert.equal(createRedactor(suite.secrets)(text), text);
    });

    it("what it renders is what it sends, without secrets, and nothing is sent for it", () =>
      using(suite, undefined, async ({ receiver, opened, deliver }) => {
        const { hook } = opened;
        assert.ok(hook.render, "it has no render(): dry runs and route tests need one");

        const rendered = await hook.render(createTestDelivery(suite.delivery));
        const sentByRender = receiver.requests.length;
        let outcome = await deliver();
        // A remote run notes first that it is about to start.
        for (let look = 0; look < 3 && outcome?.type === "pending"; look += 1) {
          outcome = await deliver({ state: outcome.state });
        }

        assert.equal(sentByRender, 0, "render() sent a request");
        // A secret in the body stays out of what is rendered.
        const redact = createRedactor(suite.secrets);
        const bodies = receiver.requests.map(({ text }) => toValue(redact(text)));
        const found = bodies.some((body) => isDeepStrictEqual(body, rendered.body));
        assert.ok(
          found,
          `${inspect(rendered.body)} is not among what was sent: ${inspect(bodies)}`,
        );
        const text = inspect(rendered, { depth: 12, maxStringLength: null });
        assert.equal(redact(text), text);
      }));

    it("every secret among the options is named by the kind", () =>
      using(suite, undefined, async ({ opened }) => {
        const hide = createRedactor(opened.secrets);

        for (const secret of suite.secrets) {
          assert.ok(!hide(`<${secret}>`).includes(secret), "the kind's secrets() leaves one out");
        }
      }));

    it("a hook can be disposed twice", () =>
      using(suite, undefined, async ({ opened, deliver }) => {
        await deliver();

        await opened[Symbol.asyncDispose]();
        await opened[Symbol.asyncDispose]();
      }));

    it("an aborted attempt and a disposed hook leave no connection and no handle open", async () => {
      const before = countResources();

      await using(suite, undefined, async ({ receiver, opened, deliver }) => {
        await Promise.all([deliver(), deliver({ idempotencyKey: "whk_other" })]);
        await opened[Symbol.asyncDispose]();
        await settles(() => assert.equal(receiver.open, 0, "a connection outlives its hook"));
      });
      await using(suite, "never", async ({ receiver, deliver }) => {
        const controller = new AbortController();
        const attempt = endOf(deliver({ signal: controller.signal }));
        await receiver.received(1);
        controller.abort(new Error("stopped"));
        await attempt;
        await settles(() => assert.equal(receiver.open, 0, "a connection outlives its attempt"));
      });

      await settles(() => assert.deepEqual(moreThan(before, countResources()), {}));
    });
  });
}

function declareStatuses<Input>(suite: HookSuite<Input>): void {
  if (suite.statuses === false) return;
  const { it } = suite.runner;
  const table = { ...usualStatuses, ...suite.statuses };
  for (const kind of Object.keys(statusOf) as StatusClass[]) {
    const statuses = Object.keys(table).filter((status) => table[Number(status)] === kind);
    if (statuses.length === 0) continue;
    it(`an answer of ${statuses.join(" ")} means: ${kind}`, () =>
      using(suite, undefined, async ({ receiver, deliver }) => {
        for (const status of statuses) {
          receiver.respond({ status: Number(status) });
          const ending = await deliver().catch((error: unknown) => error);
          assert.deepEqual(
            judgementOf(ending),
            statusOf[kind],
            `status ${status}: ${inspect(ending)}`,
          );
        }
      }));
  }
  for (const status of [429, 503]) {
    if (table[status] !== "retry destination") continue;
    it(`the Retry-After of an answer of ${status} is handed on in milliseconds`, () =>
      using(suite, { status, headers: { "retry-after": "7" } }, async ({ deliver }) => {
        const error = await endOf(deliver());

        assert.equal(error.retryAfterMs, 7000);
      }));
  }
}

interface Bench {
  readonly receiver: HttpReceiver;
  readonly opened: OpenedHook;
  deliver(fields?: Partial<Delivery>): Promise<Outcome | void>;
}

async function using<Input>(
  suite: HookSuite<Input>,
  respond: Respond | undefined,
  body: (bench: Bench) => Promise<void>,
): Promise<void> {
  const receiver = await createHttpReceiver({ respond: respond ?? suite.respond ?? 200 });
  try {
    const opened = await openHook(suite.hook, suite.options(receiver));
    try {
      await body({
        receiver,
        opened,
        // A hook may throw before it makes a promise; both are failures of the attempt.
        deliver: async (fields) =>
          opened.hook.deliver(createTestDelivery({ ...suite.delivery, ...fields })),
      });
    } finally {
      await opened[Symbol.asyncDispose]();
    }
  } finally {
    await receiver[Symbol.asyncDispose]();
  }
}

/** A body as `render` shows it: JSON taken apart, text as it is. */
function toValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

async function endOf(attempt: Promise<Outcome | void>): Promise<HookError> {
  const error = await attempt.then(
    (outcome) => {
      // A look that failed: it fails nothing, and tells what it met with.
      if (outcome?.type === "pending" && outcome.error !== undefined) return outcome.error;
      return assert.fail(`it ended well: ${inspect(outcome)}`);
    },
    (thrown: unknown) => thrown,
  );
  assert.ok(isHookError(error), `no HookError was thrown but ${inspect(error)}`);
  return error;
}

function assertRetryable(error: HookError): void {
  assert.equal(error.retryable, true, `not retryable: ${inspect(error)}`);
}

function judgementOf(ending: unknown): Pick<HookError, "retryable" | "scope"> | undefined {
  return isHookError(ending) ? { retryable: ending.retryable, scope: ending.scope } : undefined;
}

function countResources(): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of process.getActiveResourcesInfo()) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

function moreThan(before: Record<string, number>, now: Record<string, number>) {
  const more = Object.entries(now).filter(([name, count]) => count > (before[name] ?? 0));
  return Object.fromEntries(more);
}

/** Sockets close a moment after they were told to. */
async function settles(assertion: () => void): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    try {
      assertion();
      return;
    } catch (error) {
      if (tries >= 40) throw error;
      await sleep(50);
    }
  }
}
