import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { loadConfig, openPipehooks } from "@pipehooks/config";
import { createPipehooks, type PipehooksOptions } from "@pipehooks/core";
import { heartbeat } from "@pipehooks/example-custom-hook-package";
import { createHttpReceiver } from "@pipehooks/testing";
import { expect, test } from "vitest";

test("start, good end and failure of a run are three signals of one run", async () => {
  await using receiver = await createHttpReceiver();
  await using hooks = createPipehooks(toConfig({ url: `${receiver.url}/uuid` }));

  await hooks.emit("pipeline.start", { runId: "r1" });
  await hooks.emit("pipeline.end", { runId: "r1" });
  await hooks.emit("pipeline.error", { runId: "r1", error: new Error("no orders came") });
  await hooks.drain();

  expect(receiver.requests.map(({ path, text }) => [path, text])).toEqual([
    ["/uuid/start?rid=r1", ""],
    ["/uuid?rid=r1", ""],
    ["/uuid/fail?rid=r1", "no orders came"],
  ]);
});

test("without signalStart the start is skipped", async () => {
  await using receiver = await createHttpReceiver();
  await using hooks = createPipehooks(toConfig({ url: receiver.url, signalStart: false }));

  await hooks.emit("pipeline.start");
  await hooks.drain();

  const [delivery] = await hooks.store.deliveries({});
  expect(delivery).toMatchObject({ state: "skipped", reason: "signal_start is off" });
  expect(receiver.requests).toEqual([]);
});

test("an event that says nothing of a run is skipped", async () => {
  await using receiver = await createHttpReceiver();
  await using hooks = createPipehooks(toConfig({ url: receiver.url }));

  await hooks.emit("table.created", { table: "orders" });
  await hooks.drain();

  expect(await hooks.store.deliveries({ states: ["skipped"] })).toHaveLength(1);
});

test("the package brings its kind to a configuration that names it", async () => {
  await using receiver = await createHttpReceiver();
  const folder = await mkdtemp(join(tmpdir(), "pipehooks-heartbeat-"));
  const file = join(folder, "pipehooks.yaml");
  await writeFile(
    file,
    `version: 1
store: "memory:"
plugins: ["@pipehooks/example-custom-hook-package"]
hooks:
  - { name: nightly, kind: heartbeat, events: pipeline.*, options: { url: "${receiver.url}" } }
`,
  );
  // Stands for the node_modules of the project that the file belongs to.
  const resolveFrom = [fileURLToPath(import.meta.url)];
  await using hooks = await openPipehooks(await loadConfig({ file, resolveFrom }));

  await hooks.emit("pipeline.end");
  await hooks.drain();

  expect(receiver.requests).toHaveLength(1);
  await rm(folder, { recursive: true });
});

function toConfig(options: Parameters<typeof heartbeat>[0]): PipehooksOptions {
  return { hooks: [{ name: "nightly", events: "*", orderBy: "source", hook: heartbeat(options) }] };
}
