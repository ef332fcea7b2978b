import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfig, openPipehooks } from "@pipehooks/config";
import { runOrders } from "./pipeline.ts";
import { startReceiver } from "./receiver.ts";
import { createScreen } from "./screen.ts";

const screen = createScreen();
const receiver = await startReceiver(screen.received);
const folder = mkdtempSync(join(tmpdir(), "pipehooks-quickstart-"));
process.once("exit", tidy);
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));

const config = await loadConfig({
  file: join(import.meta.dirname, "pipehooks.yaml"),
  env: {
    PIPEHOOKS_STORE: join(folder, "pipehooks.db"),
    RECEIVER_URL: receiver.url,
    WEBHOOK_SECRET: receiver.secret,
  },
});
const hooks = await openPipehooks(config);
hooks.on("*", screen.event);
hooks.on("pipehooks.*", screen.notice);

screen.section("A pipeline runs. Its hooks deliver beside it, to a receiver that fails at first.");
await runOrders(hooks, folder).catch(screen.pipelineFailed);
await delivered();

screen.section("One delivery was refused for good. It is kept as a dead letter, with the reason.");
screen.deadLetters(await hooks.store.deliveries({ states: ["dead"] }));

screen.section("The receiver is mended, and the dead letter is replayed.");
await receiver.mend();
await hooks.store.replay({ states: ["dead"] }, Date.now());
hooks.wake();
await delivered();

screen.section("Nothing is lost.");
screen.health(await hooks.health());
await hooks.close();
receiver.stop();
screen.next();

async function delivered(): Promise<void> {
  const settled = await hooks.drain({ timeoutMs: 20_000, horizonMs: 20_000 });
  if (!settled) throw new Error("Deliveries are still under way after 20 seconds.");
}

function tidy(): void {
  receiver.stop();
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}
