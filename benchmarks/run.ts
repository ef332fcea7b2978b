import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { cpus, release } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

// pnpm bench [name…] [--starts 3] [--rounds 3] [--round-ms 600] [--pending 1000000] [--only bullmq]
const names = ["in-process", "accept", "delivery", "backlog", "gates", "event-loop", "start-up"];
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    starts: { type: "string" },
    rounds: { type: "string" },
    "round-ms": { type: "string" },
    pending: { type: "string" },
    only: { type: "string" },
  },
});
const wrong = positionals.filter((name) => !names.includes(name));
if (wrong.length > 0) {
  console.error(`There is no benchmark ${wrong.join(", ")}. There are: ${names.join(", ")}.`);
  process.exit(2);
}

const here = import.meta.dirname;
if (!existsSync(join(here, "node_modules"))) {
  console.log("Installing the peers …");
  const words = [
    "--yes",
    "pnpm@12.21.0",
    "install",
    "--frozen-lockfile",
    "--ignore-workspace",
    "--silent",
  ];
  const { status } = spawnSync("npx", words, { cwd: here, stdio: "inherit" });
  if (status !== 0) process.exit(1);
}

const { starts, rounds, pending, only } = values;
const chosen = {
  ...(starts !== undefined && { starts: Number(starts) }),
  ...(rounds !== undefined && { rounds: Number(rounds) }),
  ...(values["round-ms"] !== undefined && { roundMs: Number(values["round-ms"]) }),
  ...(pending !== undefined && { pending: Number(pending) }),
  ...(only !== undefined && { only }),
};
console.log(`Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model}, Linux ${release()}`);
for (const name of positionals.length > 0 ? positionals : names) {
  const { status } = spawnSync(process.execPath, [join(here, `${name}.ts`)], {
    stdio: "inherit",
    env: { ...process.env, PIPEHOOKS_BENCH: JSON.stringify(chosen) },
  });
  if (status !== 0) process.exitCode = 1;
}
