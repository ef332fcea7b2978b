import {
  createRedactor,
  type GivenAnswer,
  HookError,
  type HttpAnswer,
  type HttpCaller,
  judgeAnswer,
  type Outcome,
  readAnswer,
} from "@pipehooks/core";
import { createHttpReceiver } from "@pipehooks/testing";
import { expect, test } from "vitest";

const now = Date.UTC(1994, 10, 6, 8, 49, 0);
const caller: HttpCaller = { name: "nightly", receiver: "example.com", clock: { now: () => now } };

/** What an answer means, thrown or returned. */
function endOf(answer: HttpAnswer, by: HttpCaller = caller): Outcome | HookError {
  try {
    return judgeAnswer(answer, by);
  } catch (error) {
    if (error instanceof HookError) return error;
    throw error;
  }
}

test.for([200, 201, 202, 204, 226])("%i is delivered", (status) => {
  expect(endOf({ status, headers: {} })).toEqual({ type: "delivered", answer: { status } });
});

test.for([
  ["RECEIVER_FAILED", true, "delivery", [408, 409, 421, 423, 425, 500, 507, 520, 524, 599]],
  ["RECEIVER_FAILED", true, "destination", [429, 502, 503, 504]],
  ["RECEIVER_GONE", false, "gone", [410]],
  ["REDIRECT_REFUSED", false, "delivery", [300, 301, 302, 303, 304, 307, 308]],
  ["RECEIVER_REFUSED", false, "delivery", [400, 401, 403, 404, 413, 415, 422, 431, 451, 501, 505]],
] as const)("%s, retryable %s, scope %s: %j", ([code, retryable, scope, statuses]) => {
  for (const status of statuses) {
    const expected = { code, retryable, scope, answer: { status } };

    expect(endOf({ status, headers: {} })).toMatchObject(expected);
  }
});

test.for([
  ["7", 7000],
  ["Sun, 06 Nov 1994 08:49:37 GMT", 37_000],
  ["Sunday, 06-Nov-94 08:49:37 GMT", 37_000],
  ["Sun Nov  6 08:49:37 1994", 37_000],
  ["soon", undefined],
] as const)("a Retry-After of %j is %j ms, wherever the headers come from", ([value, ms]) => {
  for (const headers of [new Headers({ "retry-after": value }), { "retry-after": value }]) {
    for (const status of [408, 429, 500, 503]) {
      expect(endOf({ status, headers })).toMatchObject({ retryAfterMs: ms });
    }
  }
});

test("a Retry-After that came twice is none", () => {
  const headers = new Headers([
    ["retry-after", "7"],
    ["retry-after", "8"],
  ]);

  expect(endOf({ status: 503, headers })).toMatchObject({ retryAfterMs: undefined });
  expect(endOf({ status: 503, headers: { "retry-after": ["7", "8"] } })).toMatchObject({
    retryAfterMs: undefined,
  });
});

test("413 is tried again where a time is named, and what is refused for good names none", () => {
  const headers = { "retry-after": "7" };

  expect(endOf({ status: 413, headers })).toMatchObject({ retryable: true, retryAfterMs: 7000 });
  expect(endOf({ status: 404, headers })).toMatchObject({ retryAfterMs: undefined });
});

test("the message says where, what came back and what to do", () => {
  const headers = {};
  const said = (status: number, by: HttpCaller) =>
    (endOf({ status, headers }, by) as Error).message;

  expect(said(500, caller)).toBe("nightly: example.com answered 500.");
  expect(said(404, { ...caller, remedy: 'See "url".' })).toBe(
    'nightly: example.com answered 404. See "url".',
  );
  expect([301, 404, 410].map((status) => said(status, { name: "nightly" }))).toEqual([
    "nightly: the receiver answered 301, a redirect, which is never followed. Correct the options, then replay the delivery.",
    "nightly: the receiver answered 404. Correct the options, then replay the delivery.",
    "nightly: the receiver answered 410: gone. Correct the options, then replay the delivery.",
  ]);
});

test("the start of the answer is kept, secrets taken out before it is cut", () => {
  const secret = "s3cr3t-t0ken";
  const body = `${"x".repeat(2040)}${secret}${"y".repeat(9000)}`;

  const redact = createRedactor([secret]);
  for (const status of [200, 404, 503]) {
    const { answer } = endOf({ status, headers: {}, body }, { ...caller, redact }) as HookError;

    expect(answer).toEqual({ status, body: `${"x".repeat(2040)}[redacte` });
  }
});

test("what route tests say an answer is can be judged as it is", () => {
  const given: GivenAnswer = { status: 429, headers: { "retry-after": "30" }, body: { ok: false } };

  expect(endOf(given)).toMatchObject({ retryAfterMs: 30_000, answer: { status: 429 } });
});

test("an answer to fetch is read as text", async () => {
  await using receiver = await createHttpReceiver({
    respond: [{ status: 418, body: "täpöt" }, 204],
  });
  const read = async () => readAnswer(await fetch(receiver.url));

  expect(await read()).toMatchObject({ status: 418, body: "täpöt" });
  expect(await read()).toMatchObject({ status: 204, body: "" });
});

test.for(["endless", "gzip-bomb"] as const)(
  "no more than the start of an answer is read: %s",
  async (how) => {
    await using receiver = await createHttpReceiver({ respond: how });

    const { status, body } = await readAnswer(await fetch(receiver.url));

    expect(status).toBe(200);
    expect(String(body).length).toBeGreaterThanOrEqual(8192);
    expect(String(body).length).toBeLessThan(20_000);
    // fetch keeps the connection of what came whole.
    if (how === "endless") await expect.poll(() => receiver.open).toBe(0);
  },
);

test.for(["short", "drip-body"] as const)(
  "an answer whose body does not come to its end (%s) counts by its status",
  async (how) => {
    await using receiver = await createHttpReceiver({ respond: how });

    const startedAt = performance.now();
    const answer = await readAnswer(await fetch(receiver.url));

    expect(answer).toMatchObject({ status: 200, body: expect.any(String) });
    expect(performance.now() - startedAt).toBeLessThan(5000);
    await expect.poll(() => receiver.open).toBe(0);
  },
);
