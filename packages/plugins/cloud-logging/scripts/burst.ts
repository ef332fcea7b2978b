import { runBurst } from "../test/burst.ts";

// 50,000 events at once against a throttled receiver, with and without the end of the process in the middle:
// node packages/plugins/cloud-logging/scripts/burst.ts [EVENTS] [CALLS_PER_SECOND]

const events = Number(process.argv[2] ?? 50_000);
const callsPerSecond = Number(process.argv[3] ?? 4);

for (const signal of [undefined, "SIGTERM", "SIGKILL"] as const) {
  const { fill, growth, ms, ...report } = await runBurst({ events, callsPerSecond, signal });
  // The last calls, also the last before an end, take what is left.
  const full = fill.filter((share) => share >= 0.9).length;
  console.log(signal ?? "no signal", {
    ...report,
    full: `${full} of ${fill.length} calls at 90 % or more`,
    growth: `${(growth / 1024 ** 2).toFixed(1)} MB`,
    seconds: Math.round(ms / 1000),
  });
}
