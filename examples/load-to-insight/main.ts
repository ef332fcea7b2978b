import { join } from "node:path";
import { loadConfig, openPipehooks } from "@pipehooks/config";
import {
  createDbtCloudReceiver,
  createHexReceiver,
  createHttpReceiver,
  createVirtualTime,
} from "@pipehooks/testing";

// dbt Cloud, Hex and the chat are receivers on this machine; minutes pass in virtual time.
const time = createVirtualTime({ start: Date.UTC(2026, 2, 29, 1), restMs: 20 });
const minute = 60_000;
const dbt = await createDbtCloudReceiver({ now: time.now });
const hex = await createHexReceiver({ now: time.now });
const chat = await createHttpReceiver();

const loaded = await loadConfig({
  file: join(import.meta.dirname, "pipehooks.yaml"),
  env: {
    DBT_HOST: dbt.url,
    DBT_TOKEN: dbt.token,
    HEX_HOST: hex.url,
    HEX_TOKEN: hex.token,
    HEX_PROJECT: hex.projectIds[0],
    CHAT_URL: `${chat.url}/ops`,
    LOCAL_RECEIVERS: "true",
  },
});
const hooks = await openPipehooks(loaded, { clock: time.clock, random: time.random });
hooks.on("{dbt,hex}.run.*", ({ type, metadata }) => {
  console.log(`${clockTime()}  ${type}: ${metadata.label}`);
});

try {
  for (const connector of ["orders", "customers"]) {
    await hooks.emitUnknown("fivetran.sync_end", { metadata: { connector, date: "2026-03-28" } });
    console.log(`${clockTime()}  loaded ${connector}`);
    await time.advance(minute);
  }
  await time.advance(2 * minute);

  console.log(`dbt ran ${dbt.runs.length} time: ${dbt.runs[0]?.trigger.stepsOverride?.join()}`);
  console.log(`Hex ran ${hex.runs.length} time.`);
  console.log(`The chat was told: ${chat.requests.map(({ text }) => text).join()}`);
} finally {
  await hooks.close({ timeoutMs: 0 });
  for (const receiver of [dbt, hex, chat]) await receiver[Symbol.asyncDispose]();
}

function clockTime(): string {
  return new Date(time.now()).toISOString().slice(11, 19);
}
