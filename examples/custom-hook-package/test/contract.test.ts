import { createTestEvent, testHook } from "@pipehooks/testing";
import { describe, it } from "vitest";
import { heartbeat } from "../src/index.ts";

const secret = "5f3bd2a0-8c1e-4d7a-9c55-0f6f2b1c7e11";

testHook({
  runner: { describe, it },
  hook: heartbeat,
  options: ({ url }) => ({ url: `${url}/${secret}` }),
  secrets: [secret],
  invalid: [
    { options: {}, paths: ["url"] },
    { options: { url: "hc-ping.com/5f3b", signalStart: "no" }, paths: ["url", "signalStart"] },
    { options: { url: "https://hc-ping.com/5f3b", pace: 3 }, paths: [""] },
  ],
  delivery: { event: createTestEvent({ type: "pipeline.error" }) },
});
