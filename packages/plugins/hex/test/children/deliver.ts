import { type HexRunOptions, hexEvents, hexRun } from "@pipehooks/hex";
import { sqliteStore } from "@pipehooks/sqlite";
import { live } from "../../../../testing/src/crash/index.ts";

await live<HexRunOptions>(({ path, options }) => ({
  // Lives are short: a thread takes longer to start than it is of use.
  store: sqliteStore({ path, worker: false }),
  hook: hexRun(options),
  // Time goes fast: a minute is over before a busy machine has answered.
  policy: { timeout: "1h" },
  events: hexEvents,
  ends: "hex.run.*",
}));
