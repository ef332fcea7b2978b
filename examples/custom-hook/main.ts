import { join } from "node:path";
import { loadConfig, openPipehooks } from "@pipehooks/config";
import { messageOf } from "@pipehooks/core";
import { startReceiver } from "./receiver.ts";

const receiver = await startReceiver();
const env = { HEARTBEAT_URL: receiver.url };
const config = await loadConfig({ file: join(import.meta.dirname, "pipehooks.yaml"), env });
const hooks = await openPipehooks(config);
hooks.on("pipehooks.delivery.{delivered,retrying,skipped,dead}", ({ type, metadata }) => {
  const { event_type, attempt, reason = "" } = metadata;
  console.log(`${type.split(".").at(-1)}: ${event_type}, attempt ${attempt} ${reason}`.trimEnd());
});

console.log("A night goes well, another one does not:");
await hooks.pipeline("nightly_orders", () => {});
await hooks.drain({ horizonMs: 5000 });
await hooks.pipeline("nightly_orders", failing).catch(() => {});
await hooks.pipeline("hourly_orders", failing).catch(() => {});
await hooks.drain({ horizonMs: 5000 });
await hooks.close();
receiver.close();

console.log("\nMistakes in the options are found before anything runs, and shown where they are:");
const file = join(import.meta.dirname, "mistake.yaml");
await loadConfig({ file }).catch((error: unknown) => console.log(messageOf(error)));

function failing(): void {
  throw new Error("no orders came");
}
