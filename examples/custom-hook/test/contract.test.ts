import { createTestEvent, testHook } from "@pipehooks/testing";
import { describe, it } from "vitest";
import heartbeat from "../hooks/heartbeat.ts";

const secret = "5f3bd2a0-8c1e-4d7a-9c55-0f6f2b1c7e11";

testHook({
  runner: { describe, it },
  hook: heartbeat,
  options: ({ url }) => ({ url: `${url}/${secret}` }),
  secrets: [secret],
  invalid: [{ options: { url: "hc-ping.com/5f3b" }, paths: ["url"] }],
  delivery: { event: createTestEvent({ type: "pipeline.error" }) },
});
