import {
  checkOptions,
  createPipehooks,
  defineHook,
  definePlugin,
  defineSource,
  delivered,
  errorCodes,
  HookError,
  isHookError,
  messageOf,
  pending,
  silentLogger,
  skipped,
} from "@pipehooks/core";
import { describe, expect, expectTypeOf, test } from "vitest";
import { z } from "zod";

describe("hook kinds", () => {
  const webhookish = defineHook({
    name: "webhookish",
    options: z.strictObject({ url: z.url(), timeoutMs: z.int().default(5) }),
    create: ({ url, timeoutMs }) => {
      expectTypeOf(url).toEqualTypeOf<string>();
      expectTypeOf(timeoutMs).toEqualTypeOf<number>();
      return { deliver() {} };
    },
  });

  test("a factory takes what a user may write, carries its kind, and has no effect", () => {
    expectTypeOf(webhookish).parameter(0).toEqualTypeOf<{
      url: string;
      timeoutMs?: number | undefined;
    }>();

    const configured = webhookish({ url: "nowhere" });

    expect(configured).toEqual({ kind: webhookish.kind, options: { url: "nowhere" } });
    expect(Object.isFrozen(webhookish.kind)).toBe(true);
  });

  test("a wrong option is a compile error, and refused when the bus is made", () => {
    // @ts-expect-error no such option
    const configured = webhookish({ url: "https://x.test", uri: 1 });

    expect(() =>
      createPipehooks({
        logger: silentLogger,
        hooks: [{ name: "one", events: "*", hook: configured }],
      }),
    ).toThrow("uri");
  });

  test("checkOptions names every problem and gives what the schema makes of good ones", () => {
    expect(checkOptions(webhookish.kind, { url: "https://x.test" }, "one")).toEqual({
      url: "https://x.test",
      timeoutMs: 5,
    });
    expect(() => checkOptions(webhookish.kind, { url: 1, timeoutMs: "x" }, "one")).toThrow(
      expect.objectContaining({
        code: "HOOK_OPTIONS_INVALID",
        message: expect.stringMatching(/url: .*timeoutMs: /),
      }),
    );
  });

  const odd = (more: object) =>
    defineHook({
      name: "odd",
      options: z.strictObject({ token: z.string().optional() }),
      create: () => ({ deliver() {} }),
      ...more,
    })({});
  const throwing = () => {
    throw new Error("oops");
  };

  test.for<[more: object, message: string]>([
    [
      { policy: { concurrency: 0, retries: 3 } },
      'its policy: concurrency: Too small: expected number to be >=1; Unrecognized key: "retries"',
    ],
    [{ policy: { timeout: 30 } }, "its policy: timeout: "],
    [{ secrets: () => "abcd" }, "its secrets() must answer a list of texts"],
    [{ secrets: throwing }, "its secrets() threw: oops"],
    [{ destination: throwing }, "its destination() threw: oops"],
    [{ batch: throwing }, "its batch() threw: oops"],
  ])("a kind with %o is refused by its name", ([more, message]) => {
    const make = () => createPipehooks({ hooks: [{ name: "ops", events: "*", hook: odd(more) }] });

    expect(make).toThrow(`hook "ops": The kind "odd" is wrong: ${message}`);
  });

  test("a secret option that was left out is none", async () => {
    const secrets = ({ token }: { readonly token?: string }) => [token];
    await using bus = createPipehooks({
      hooks: [{ name: "ops", events: "*", hook: odd({ secrets }) }],
    });

    expect(bus.hooks[0]?.secrets).toEqual([]);
  });

  test.for<[what: string, create: () => unknown]>([
    ["nothing", () => undefined],
    ["what is no hook", async () => ({ send() {} })],
  ])("a kind that makes %s has its deliveries dead, with the reason", async ([, create]) => {
    await using bus = createPipehooks({
      logger: silentLogger,
      hooks: [{ name: "ops", events: "*", hook: odd({ create }) }],
    });

    await bus.emit("pipeline.end");
    await bus.drain();

    expect(await bus.store.deliveries({})).toMatchObject([
      {
        state: "dead",
        reason: 'The kind "odd" is wrong: its create() must answer an object with deliver().',
      },
    ]);
  });

  test("outcomes are plain data", () => {
    expect(delivered()).toEqual({ type: "delivered", answer: undefined });
    expect(pending({ state: 1, againMs: 2 })).toEqual({ type: "pending", state: 1, againMs: 2 });
    expect(skipped("why")).toEqual({ type: "skipped", reason: "why" });
  });
});

describe("plugins and sources", () => {
  test("definePlugin describes what a package brings, and freezes it", () => {
    const hook = defineHook({
      name: "jira",
      options: z.strictObject({}),
      create: () => ({ deliver() {} }),
    });
    const source = defineSource({
      name: "poller",
      options: z.strictObject({ every: z.string() }),
      needs: ["pg"],
      create: ({ every }) => {
        expectTypeOf(every).toEqualTypeOf<string>();
        return { start: async () => {} };
      },
    });

    const plugin = definePlugin({
      name: "@acme/pipehooks-jira",
      version: "1.0.0",
      core: "^0.1.0",
      hooks: [hook],
      sources: [source],
      events: { "jira.issue.created": z.object({}) },
    });

    expect(Object.isFrozen(plugin)).toBe(true);
    expect(plugin.hooks?.[0]?.kind.name).toBe("jira");
    expect(source({ every: "1m" })).toEqual({ kind: source.kind, options: { every: "1m" } });
    expect(source.kind.needs).toEqual(["pg"]);
  });
});

describe("errors", () => {
  test("a HookError says nothing is worth another attempt unless told so", () => {
    const cause = new Error("inner");
    const error = new HookError("RECEIVER_REFUSED", "no", { cause });

    expect(error).toMatchObject({
      name: "HookError",
      code: "RECEIVER_REFUSED",
      message: "no",
      retryable: false,
      retryAfterMs: undefined,
      scope: "delivery",
      answer: undefined,
      cause,
    });
  });

  test("one of another copy of this package is recognised, others are not", () => {
    const foreign = Object.assign(new Error("x"), { name: "HookError", code: "TIMEOUT" });

    expect(isHookError(foreign)).toBe(true);
    expect(isHookError(Object.assign(new Error("x"), { name: "HookError", code: "ODD" }))).toBe(
      false,
    );
    expect(isHookError({ name: "HookError", code: "TIMEOUT" })).toBe(false);
    expect(isHookError(undefined)).toBe(false);
  });

  test("codes are upper snake case and there once", () => {
    expect(new Set(errorCodes).size).toBe(errorCodes.length);
    expect(errorCodes.every((code) => /^[A-Z]+(?:_[A-Z]+)*$/.test(code))).toBe(true);
  });

  test.for([
    [new Error("text"), "text"],
    ["text", "text"],
    [undefined, "undefined"],
    [Symbol("s"), "Symbol(s)"],
    [Object.create(null), "[object Object]"],
    [Object.assign(new Error("x"), { message: 7 }), "7"],
  ] as const)("anything thrown has a text: %#", ([thrown, text]) => {
    expect(messageOf(thrown)).toBe(text);
  });
});
