import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { rolldown } from "rolldown";
import { startReceiver } from "./receiver.ts";
import { run } from "./run.ts";

// Pipelines are bundled, for AWS Lambda say, into one file that stands alone: what a package reads from beside itself, or
// loads when it is needed, must not be missing then.

const program = `
import { createPipehooks } from "@pipehooks/core";
import { sqliteStore } from "@pipehooks/sqlite";
import { webhook } from "@pipehooks/webhook";

const [, , path, url] = process.argv;
const bus = createPipehooks({
  store: sqliteStore({ path }),
  hooks: [
    {
      name: "post",
      events: "pipeline.end",
      when: "event.metadata.rows > 1",
      hook: webhook({ url, allowPrivate: true }),
    },
    {
      name: "missing",
      absence: { expect: "table.created", at: "06:00", timeZone: "Europe/Paris" },
      hook: () => {},
    },
  ],
});
const main = async () => {
  for (const rows of [1, 2]) await bus.emit("pipeline.end", { metadata: { rows } });
  await bus.close();
};
main();
`;

/** The packages that were installed into a folder, bundled with a program of their user, on each of some Nodes. */
export async function checkBundled(installed: string, nodes: readonly string[]): Promise<void> {
  const input = join(installed, "bundled-pipeline.js");
  await writeFile(input, program);
  const alone = await mkdtemp(join(tmpdir(), "pipehooks-bundle-"));
  try {
    for (const format of ["esm", "cjs"] as const) {
      const file = join(alone, format === "esm" ? "pipeline.mjs" : "pipeline.cjs");
      const bundled = await rolldown({ input, platform: "node", logLevel: "silent" });
      await bundled.write({ file, format, codeSplitting: false });
      await bundled.close();
      for (const node of nodes) await runAlone(file, node);
    }
  } finally {
    await rm(alone, { recursive: true, force: true });
  }
}

async function runAlone(file: string, node: string): Promise<void> {
  const { server, url, requests } = await startReceiver();
  const store = join(await mkdtemp(join(dirname(file), "store-")), "p.db");
  const { ok, output } = await run(node, [file, store, url], {
    timeout: 60_000,
  });
  server.close();
  const isRight =
    ok &&
    output.split("PipehooksWarning").length === 2 &&
    requests.length === 1 &&
    /^pipehooks-webhook\/\d+\.\d+\.\d+$/.test(requests[0]?.headers["user-agent"] ?? "");
  if (!isRight) throw new Error(`${file} on ${node} got ${requests.length} requests:\n${output}`);
}
