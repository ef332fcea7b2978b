import { createRedactor, HookError, type HttpCaller, toFetchFailure } from "@pipehooks/core";
import { createHttpReceiver } from "@pipehooks/testing";
import { expect, test } from "vitest";
import { createTestCertificate } from "../../testing/src/receivers/certificate.ts";

const caller: HttpCaller = { name: "nightly", receiver: "example.com" };

async function failureOf(url: string, init: RequestInit = {}, by = caller): Promise<HookError> {
  const thrown: unknown = await fetch(url, init).then(
    () => new Error("it did not fail"),
    (error: unknown) => error,
  );
  return toFetchFailure(thrown, by);
}

test("a receiver that is not there, or hangs up, is worth another attempt", async () => {
  const receiver = await createHttpReceiver({ respond: "cut" });
  const cut = await failureOf(receiver.url);
  await receiver[Symbol.asyncDispose]();
  const refused = await failureOf(receiver.url);
  const unknown = await failureOf("http://nowhere.invalid/");

  for (const failure of [cut, refused, unknown]) {
    expect(failure).toMatchObject({ code: "RECEIVER_UNREACHABLE", retryable: true });
    expect(failure.cause).toBeInstanceOf(TypeError);
  }
  expect(refused.message).toBe("nightly: example.com refused the connection (ECONNREFUSED).");
});

test("an answer that is no HTTP is worth another attempt", async () => {
  await using receiver = await createHttpReceiver({ respond: "huge-headers" });

  expect(await failureOf(receiver.url)).toMatchObject({ code: "RECEIVER_FAILED", retryable: true });
});

test("a certificate that is not trusted is not worth another attempt", async () => {
  await using receiver = await createHttpReceiver({ tls: createTestCertificate() });

  expect(await failureOf(receiver.url)).toMatchObject({
    code: "RECEIVER_UNTRUSTED",
    retryable: false,
  });
});

test("what the signal was aborted with: core's own error as it is, a time-out as TIMEOUT, anything else as ABORTED", async () => {
  await using receiver = await createHttpReceiver({ respond: "never" });
  const own = new HookError("TIMEOUT", "nightly: the attempt took longer than 5 ms.");
  const by = (signal: AbortSignal) => failureOf(receiver.url, { signal });

  expect(await by(AbortSignal.abort(own))).toBe(own);
  expect(await by(AbortSignal.timeout(5))).toMatchObject({ code: "TIMEOUT", retryable: true });
  for (const reason of [undefined, new Error("stopped"), "stopped"]) {
    const failure = await by(AbortSignal.abort(reason));

    expect(failure).toMatchObject({ code: "ABORTED", retryable: true });
    expect(failure.message).toContain("the attempt was aborted");
  }
});

test("a request that HTTP cannot carry is not worth another attempt, and shows no secret", async () => {
  const secret = "line\nbreak";
  const redact = createRedactor([secret]);
  const init = { headers: { authorization: `Bearer ${secret}` } };

  const failure = await failureOf("http://127.0.0.1:1/", init, { ...caller, redact });

  expect(failure).toMatchObject({ code: "REQUEST_INVALID", retryable: false });
  expect(failure.cause).toBeUndefined();
  expect(failure.message).toContain("nightly: example.com cannot be sent this request: ");
  expect(failure.message).not.toContain(secret);
});
