import assert from "node:assert/strict";
import { inspect } from "node:util";
import { createRedactor } from "@pipehooks/core";
import type { ReceivedRequest } from "../receivers/http.ts";
import { using } from "./bench.ts";
import type { HookSuite } from "./suite.ts";

/** Secrets, wherever they could come out. */
export function hiding<Input>(suite: HookSuite<Input>): void {
  const { it } = suite.runner;

  it("no secret comes out in errors, logs and answers, even if the receiver echoes it", async () => {
    const echo = (status: number) => (request: ReceivedRequest) => ({
      status,
      headers: { location: `http://example.com${request.path}` },
      body: JSON.stringify([request.path, request.headers, request.text]),
    });
    const seen: unknown[] = [];
    for (const respond of [echo(200), echo(301), echo(400), echo(503), "garbage", "cut"] as const) {
      await using(suite, respond, async ({ deliver, opened }) => {
        seen.push(await deliver().catch((error: unknown) => error), opened.logs);
      });
    }

    const text = inspect(seen, { depth: 12, maxStringLength: null, maxArrayLength: null });
    assert.equal(createRedactor(suite.secrets)(text), text);
  });

  it("every secret among the options is named by the kind", () =>
    using(suite, undefined, async ({ opened }) => {
      const hide = createRedactor(opened.secrets);

      for (const secret of suite.secrets) {
        assert.ok(!hide(`<${secret}>`).includes(secret), "the kind's secrets() leaves one out");
      }
    }));
}
