import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { loadConfig, openPipehooks } from "@pipehooks/config";
import { createMemoryStore, silentLogger } from "@pipehooks/core";
import { expect, test } from "vitest";
import { fixture, folderWith, loadText } from "./workspace.ts";

function lines(file: string): readonly unknown[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
}

test.for(["memory:", "sqlite:data/events.db"])(
  "a file runs: events go by route, filter and condition to its hooks, store %s",
  async (store) => {
    const folder = folderWith({});
    const out = join(folder, "out.ndjson");
    const bus = await openPipehooks(
      await loadText(`version: 1
store: ${JSON.stringify(store)}
source: /pipelines/test
plugins: [${fixture("recorder.ts")}]
event_types: { data.check: { metadata: { type: object, required: [rows] } } }
hooks:
  - name: bad
    kind: recorder
    events: ["pipeline.*", data.check]
    filter: { pipelines: ["prod_*", "!prod_scratch"] }
    when: has(event.error) || event.metadata.rows > 5
    options:
      output_file: ${out}
      line: { what: "\${type}", from: "\${source}", rows: "\${metadata.rows:-null}" }
`),
      { logger: silentLogger, worker: false },
    );

    await bus.emit("pipeline.end", { pipeline: "prod_orders" });
    await bus.emit("pipeline.error", { pipeline: "prod_scratch", error: { message: "x" } });
    await bus.emit("pipeline.error", { pipeline: "prod_orders", error: { message: "x" } });
    await bus.emit("data.check", { pipeline: "prod_a", metadata: { rows: 9 } });
    await expect(bus.emitUnknown("data.check", {})).rejects.toMatchObject({
      code: "EVENT_INVALID",
    });
    await expect(bus.emitUnknown("data.other", {})).rejects.toMatchObject({
      code: "EVENT_TYPE_UNKNOWN",
    });
    await bus.drain();
    await bus.close();

    expect(lines(out)).toEqual([
      { what: "pipeline.error", from: "/pipelines/test", rows: null },
      { what: "data.check", from: "/pipelines/test", rows: 9 },
    ]);
  },
);

test("the example in the README reaches its hook", async () => {
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  const [, example = ""] = /```yaml\n(version: 1[^`]*)```/.exec(readme) ?? [];
  const loaded = await loadText(example, { env: { WEBHOOK_TOKEN: "t0p-s3cret" } });

  const bus = await openPipehooks(loaded, {
    store: createMemoryStore(),
    deliver: false,
    logger: silentLogger,
  });
  const { deliveries } = await bus.emit("pipeline.end", {
    pipeline: "orders",
    metadata: { rows: 120 },
  });
  await bus.close();

  expect(deliveries).toMatchObject([{ hook: "ops-webhook" }]);
});

test("secrets of the file are redacted by the bus", async () => {
  const loaded = await loadText(
    `version: 1
store: memory:
plugins: [${fixture("recorder.ts")}]
hooks:
  - { name: a, kind: recorder, events: "*", options: { output_file: x, api_token: "\${env:TOKEN}" } }
`,
    { env: { TOKEN: "t0p-s3cret" } },
  );

  const bus = await openPipehooks(loaded, { secrets: ["another-one"], logger: silentLogger });
  const text = bus.redact("t0p-s3cret and another-one");
  await bus.close();

  expect(text).toBe("[redacted] and [redacted]");
});

test("the store lies beside the file, wherever the process runs", async () => {
  const folder = folderWith({ "pipehooks.yaml": "version: 1\n" });

  const bus = await openPipehooks(await loadConfig({ cwd: folder }), { worker: false });
  await bus.emit("pipeline.start", { pipeline: "a" });
  await bus.close();

  expect(existsSync(join(folder, ".pipehooks/pipehooks.db"))).toBe(true);
});
