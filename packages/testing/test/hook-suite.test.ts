import { execFile } from "node:child_process";
import { once } from "node:events";
import { rm, writeFile } from "node:fs/promises";
import { Agent, request } from "node:http";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import {
  type Delivery,
  defineHook,
  type Hook,
  HookError,
  isHookError,
  type JsonValue,
  judgeAnswer,
} from "@pipehooks/core";
import { testHook } from "@pipehooks/testing";
import { describe, expect, it, test } from "vitest";
import { z } from "zod";

interface Options {
  readonly url: string;
  readonly token: string;
}

type Deliver = (options: Options, delivery: Delivery) => ReturnType<Hook["deliver"]>;

const permanent = [400, 401, 403, 404, 405, 406, 411, 413, 414, 415, 422, 426, 431, 501, 505];

/** A small hook over fetch that keeps the contract. */
const good: Deliver = async ({ url, token }, { idempotencyKey, signal, event }) => {
  const response = await fetch(url, {
    method: "POST",
    redirect: "manual",
    headers: { authorization: token, "webhook-id": idempotencyKey, connection: "close" },
    body: JSON.stringify(event),
    signal,
  }).catch((cause: unknown) => {
    const code = signal.aborted ? "TIMEOUT" : "RECEIVER_UNREACHABLE";
    throw new HookError(code, "no answer", { retryable: true, cause });
  });
  await response.body?.cancel();
  const { status } = response;
  if (status < 300) return;
  const after = response.headers.get("retry-after");
  throw new HookError(status === 410 ? "RECEIVER_GONE" : "RECEIVER_FAILED", `answered ${status}`, {
    retryable: status >= 400 && status !== 410 && !permanent.includes(status),
    scope:
      status === 410 ? "gone" : [429, 502, 503, 504].includes(status) ? "destination" : "delivery",
    retryAfterMs: after === null ? undefined : Number(after) * 1000,
  });
};

const schema = z.strictObject({ url: z.url(), token: z.string() });

/** `render` of the small hook, with another body. */
function render(bodyOf: (delivery: Delivery) => unknown): NonNullable<Hook["render"]> {
  return (delivery) => ({ target: "POST", body: bodyOf(delivery) as JsonValue });
}

/** The small hook with this `render`. */
function rendering(made: Hook["render"]) {
  const create = (options: Options): Hook => ({
    deliver: (delivery) => good(options, delivery),
    ...(made !== undefined && { render: made }),
  });
  return suiteOf(good, { create });
}

function suiteOf(deliver: Deliver, definition: object = {}) {
  return {
    hook: defineHook<Options, Options>({
      name: "sample",
      options: schema,
      secrets: ({ token }) => [token],
      create: (options) => ({
        deliver: (delivery) => deliver(options, delivery),
        render: render(({ event }) => event),
      }),
      ...definition,
    }),
    options: ({ url }: { url: string }) => ({ url, token: "s3cr3t-t0ken" }),
    secrets: ["s3cr3t-t0ken"],
    invalid: [{ options: { url: "x" }, paths: ["url", "token"] }],
    idempotencyKey: (request: { headers: Record<string, string | undefined> }) =>
      request.headers["webhook-id"],
  };
}

testHook({ runner: { describe, it }, ...suiteOf(good) });

/** As short as can be: core's table, fetch's pool and its errors as they come. */
const short: Deliver = async ({ url, token }, { hook, idempotencyKey, signal, event }) => {
  const headers = { authorization: token, "webhook-id": idempotencyKey };
  const body = JSON.stringify(event);
  const response = await fetch(url, { method: "POST", redirect: "manual", headers, body, signal });
  await response.body?.cancel();
  return judgeAnswer(response, { name: hook });
};

describe("over plain fetch", () => testHook({ runner: { describe, it }, ...suiteOf(short) }));

/** Names of the tests that fail, those whose names have `only` in them. */
async function failuresOf(suite: ReturnType<typeof suiteOf>, only: RegExp): Promise<string[]> {
  const tests: { name: string; body: () => Promise<void> }[] = [];
  const runner = {
    describe: (_name: string, body: () => void) => body(),
    it: (name: string, body: () => Promise<void>) => tests.push({ name, body }),
  };
  testHook({ runner, ...suite });
  const failed: string[] = [];
  for (const { name, body } of tests.filter((declared) => only.test(declared.name))) {
    await body().catch(() => failed.push(name));
  }
  return failed;
}

const withKey =
  (key: (delivery: Delivery) => string): Deliver =>
  (options, delivery) =>
    good(options, { ...delivery, idempotencyKey: key(delivery) });
const leaky: Deliver = async (options, delivery) => {
  delivery.logger.debug(`using ${options.token}`);
  await Promise.resolve(good(options, delivery)).catch((error: unknown) => {
    if (!isHookError(error)) throw error;
    throw new HookError(error.code, `${options.token}: ${error.message}`, error);
  });
};
const deaf: Deliver = (options, delivery) =>
  good(options, { ...delivery, signal: AbortSignal.timeout(1500) });

test.for<[string, RegExp, ReturnType<typeof suiteOf>]>([
  ["sends nothing", /^an event reaches/, suiteOf(async () => {})],
  ["ignores its signal", /ends at once|never answers|byte a second/, suiteOf(deaf)],
  ["takes an aborted signal", /aborted already/, suiteOf(deaf)],
  ["has a key for each attempt", /stays the same/, suiteOf(withKey((d) => `k${d.attempt}`))],
  ["has one key for all", /stays the same/, suiteOf(withKey(() => "k"))],
  ["sends no key", /stays the same/, { ...suiteOf(good), idempotencyKey: () => undefined }],
  ["shows a secret in errors", /^no secret/, suiteOf(leaky)],
  ["names no secret", /every secret/, suiteOf(good, { secrets: () => [] })],
  ["renders nothing", /^what it renders/, rendering(undefined)],
  ["renders something else", /^what it renders/, rendering(render(({ id }) => id))],
  [
    "renders a secret",
    /^what it renders/,
    rendering(({ event }) => ({
      target: "POST",
      headers: { authorization: "s3cr3t-t0ken" },
      body: event as unknown as JsonValue,
    })),
  ],
  ["takes bad options", /^bad options/, suiteOf(good, { options: z.looseObject({}) })],
  [
    "calls everything retryable",
    /means: (permanent|gone)/,
    suiteOf((options, delivery) =>
      Promise.resolve(good(options, delivery)).catch((error: HookError) => {
        throw new HookError(error.code, error.message, { retryable: true });
      }),
    ),
  ],
])("a hook that %s is found out", async ([, only, suite]) => {
  expect((await failuresOf(suite, only)).length).toBeGreaterThan(0);
});

test("errors of another kind are taken where an attempt is worth repeating, and nowhere else", async () => {
  const plain = suiteOf((options, delivery) =>
    Promise.resolve(good(options, delivery)).catch((error: HookError) => {
      throw new Error(error.message);
    }),
  );

  const failures = await failuresOf(plain, /means|Retry-After|abort|time-out|cut|not there/);

  expect(failures.map((name) => name.replaceAll(/ \d+(?= )/g, ""))).toEqual([
    "an answer of means: retry destination",
    "an answer of means: permanent",
    "an answer of means: gone",
    "the Retry-After of an answer of is handed on in milliseconds",
    "the Retry-After of an answer of is handed on in milliseconds",
  ]);
});

test("an error where all went well is found out, whatever its kind", async () => {
  const failing = suiteOf(async (options, delivery) => {
    await good(options, delivery);
    throw new Error("and then this");
  });

  expect(await failuresOf(failing, /means: delivered/)).toHaveLength(1);
});

test("an answer that is neither read nor cancelled is found out", async () => {
  const unread: Response[] = [];
  const holding = suiteOf(async ({ url }, { signal }) => {
    const response = await fetch(url, { signal });
    // What nobody refers to any more is cancelled, when the collector comes to it.
    unread.push(response);
    if (!response.ok) throw new Error(`answered ${response.status}`);
  });

  expect(await failuresOf(holding, /no connection/)).toEqual([
    "an answer of 200 that is long leaves no connection open",
    "an answer of 500 that is long leaves no connection open",
  ]);
});

test("connections kept in a pool of the hook's own are found out", async () => {
  const agent = new Agent({ keepAlive: true });
  const keeping = suiteOf(async ({ url }, { signal }) => {
    const [response] = await once(request(url, { agent, signal }).end(), "response");
    await text(response);
  });

  expect(await failuresOf(keeping, /no handle open/)).toHaveLength(1);
  agent.destroy();
});

test("a hook that leaves something open, or cannot be disposed twice, is found out", async () => {
  const open: NodeJS.Timeout[] = [];
  const leaving = suiteOf((options, delivery) => {
    open.push(setInterval(() => {}, 60_000));
    return good(options, delivery);
  });
  expect(await failuresOf(leaving, /no handle open/)).toHaveLength(1);
  for (const timer of open) clearInterval(timer);

  const once = suiteOf(good, {
    create(options: Options): Hook {
      let isDisposed = false;
      return {
        deliver: (delivery) => good(options, delivery),
        async [Symbol.asyncDispose]() {
          if (isDisposed) throw new Error("disposed already");
          isDisposed = true;
        },
      };
    },
  });
  expect(await failuresOf(once, /disposed twice/)).toHaveLength(1);
});

test("the suite runs under node:test as well", async () => {
  const file = fileURLToPath(new URL(`./node-test-${process.pid}.tmp.ts`, import.meta.url));
  const program = `
    import { describe, it } from "node:test";
    import { defineHook } from "@pipehooks/core";
    import { testHook } from "@pipehooks/testing";
    testHook({
      runner: { describe, it },
      hook: defineHook({
        name: "sample",
        options: { "~standard": { version: 1, vendor: "test", validate: (value) => ({ value }) } },
        create: ({ url }) => ({ deliver: async () => void (await fetch(url, { headers: { connection: "close" } })).body?.cancel() }),
      }),
      options: ({ url }) => ({ url }),
      secrets: [],
      invalid: [],
      statuses: false,
    });
  `;
  await writeFile(file, program);
  try {
    const options = { env: { ...process.env, NODE_TEST_CONTEXT: undefined } };
    const args = ["--test-name-pattern=reaches|disposed twice", "--test-reporter=tap", file];
    const { stdout } = await promisify(execFile)(process.execPath, args, options);

    expect(stdout).toContain("ok 1 - an event reaches the receiver");
    expect(stdout).toMatch(/# pass 2\n# fail 0/);
  } finally {
    await rm(file);
  }
});
