import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { sqliteStore } from "@pipehooks/sqlite";
import { describe, expect, test } from "vitest";
import { kept, miscounted, temporaryFolder } from "./workshop.ts";

/** A pipeline that emits three events, and comes to an end while its hook is at the first two; answers what is stored then. */
async function endingOf({
  hook = "stay",
  end = "",
  worker = "true",
  others = "",
}: {
  readonly hook?: string;
  /** What the pipeline does once two attempts have begun; otherwise it is the hook that ends the process. */
  readonly end?: string;
  readonly worker?: string;
  readonly others?: string;
}) {
  const path = join(temporaryFolder(), "store.db");
  const program = `
    import { createPipehooks, pending } from "@pipehooks/core";
    import { sqliteStore } from "@pipehooks/sqlite";
    const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
    let begun = 0;
    const stay = () => { begun += 1; return pause(60_000); };
    const areBegun = async (count) => { while (begun < count) await pause(5); };
    const hooks = [{ name: "a", events: "*", concurrency: 2, hook: ${hook} }${others}];
    const bus = createPipehooks({ hooks, store: sqliteStore({ path: process.argv[1], worker: ${worker} }) });
    for (let n = 0; n < 3; n += 1) await bus.emit("pipeline.end");
    ${end === "" ? "await pause(60_000);" : `await areBegun(2); ${end}`}
  `;
  const { status, signal, stderr } = spawnSync(
    process.execPath,
    ["--input-type=module", "--eval", program, path],
    { cwd: import.meta.dirname, encoding: "utf8" },
  );
  const store = kept(sqliteStore({ path }));
  const rows = await store.deliveries({ oldestFirst: true });
  const attempts = await Promise.all(rows.map(({ id }) => store.attempts(id)));
  expect(await miscounted(store)).toBeUndefined();
  return {
    status: status ?? signal,
    stderr,
    deliveries: rows.map(({ state, attempts }) => `${state} ${attempts}`),
    attempts: attempts.flat().map(({ number, outcome, code }) => `${number} ${outcome} ${code}`),
  };
}

const brokenOff = ["retrying 0", "retrying 0", "waiting 0"];

describe("a pipeline that ends while hooks are at work lets go of what they do", () => {
  test.for([
    ["it calls process.exit", "process.exit(7)", 7, "true"],
    ["it calls process.exit", "process.exit(7)", 7, "false"],
    ["it throws", 'throw new Error("load failed")', 1, "true"],
    ["it throws in a timer", 'setTimeout(() => { throw new Error("load failed"); })', 1, "false"],
    ["it is rejected", 'void Promise.reject(new Error("load failed"))', 1, "true"],
    [
      "it exits while it closes",
      "void bus.close(); setTimeout(() => process.exit(7), 50)",
      7,
      "true",
    ],
  ] as const)("%s: %s (status %i, worker: %s)", async ([, end, status, worker]) => {
    const ended = await endingOf({ end, worker });

    expect(ended.status).toBe(status);
    expect(ended.deliveries).toEqual(brokenOff);
    expect(ended.attempts).toEqual(["1 retry ABORTED", "1 retry ABORTED"]);
  });

  test("what it had just delivered is not delivered again", async () => {
    // In the turn in which the outcome goes to the store, and not in the hook's name.
    const exit = "setImmediate(() => setImmediate(() => outside(() => process.exit(7))))";
    const hook = `() => { begun += 1; if (begun === 2) both.resolve(); return both.promise.then(() => { ${exit}; }); }`;
    const outside = '(await import("node:async_hooks")).AsyncLocalStorage.snapshot()';

    const ended = await endingOf({
      hook: `((outside, both) => ${hook})(${outside}, Promise.withResolvers())`,
    });

    expect(ended.status).toBe(7);
    expect(ended.deliveries.slice(0, 2)).toEqual(["delivered 1", "delivered 1"]);
  });

  test("where a hook had stored what it was about to do the attempt counts, for it may have done it", async () => {
    const hook = `({ state }) => state === undefined ? pending({ state: "about to", againMs: 0 }) : stay()`;

    const ended = await endingOf({ hook, end: "process.exit(7)" });

    expect(ended.deliveries.slice(0, 2)).toEqual(["pending 1", "pending 1"]);
  });

  test("one that is killed cannot: what it was at counts as lost", async () => {
    const ended = await endingOf({ end: 'process.kill(process.pid, "SIGKILL")' });

    expect(ended.status).toBe("SIGKILL");
    expect(ended.deliveries.slice(0, 2)).toEqual(["running 1", "running 1"]);
  });
});

test.for([
  ["calls process.exit", "process.exit(7)", 7],
  ["throws in a timer", 'setTimeout(() => { throw new Error("oops"); })', 1],
] as const)("of a hook that %s the attempts count, and it is named", async ([, does, status]) => {
  const ended = await endingOf({ hook: `() => { ${does}; return new Promise(() => {}); }` });

  expect(ended.status).toBe(status);
  expect(ended.stderr).toContain(`Hook "a" has ended the process with status ${status}`);
  expect(ended.deliveries).toContain("running 1");
});

test("what other hooks are at is let go of then", async () => {
  const ended = await endingOf({
    hook: "async () => { await areBegun(3); process.exit(7); }",
    others: ', { name: "b", events: "*", hook: stay }',
  });

  // One after the other of each event: of the first hook, and of the second one.
  const [first, second] = [0, 1].map((n) => ended.deliveries.filter((_, at) => at % 2 === n));
  expect(first?.slice(0, 2)).toEqual(["running 1", "running 1"]);
  expect(second).toEqual(["retrying 0", "retrying 0", "retrying 0"]);
});
