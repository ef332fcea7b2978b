import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";

/** What a pipeline does in a process of its own, whose hook is given; vitest would hear its rejections, too. */
function runPipeline(
  hook: string,
  { flags = [], after = "" }: { readonly flags?: readonly string[]; readonly after?: string } = {},
) {
  const script = `
    import { createBatchHook, createPipehooks, defineHook } from "@pipehooks/core";
    const options = { "~standard": { version: 1, vendor: "test", validate: (value) => ({ value }) } };
    const hook = ${hook};
    const hooks = [
      { name: "careless", events: "*", hook },
      { name: "other", events: "*", hook: ({ event }) => console.log("other got", event.id) },
    ];
    const bus = createPipehooks({ hooks, secrets: ["s3cret-token"] });
    await bus.emit("pipeline.end", { id: "e1" });
    await bus.drain();
    await new Promise((resolve) => setTimeout(resolve, 50));
    await bus.emit("pipeline.end", { id: "e2" });
    await bus.check();
    await bus.close();
    console.log("the pipeline goes on");
    ${after}
  `;
  const args = [...flags, "--input-type=module", "--eval", script];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: import.meta.dirname,
    encoding: "utf8",
  });
  return { status, stdout: stdout.split("\n").filter((line) => line !== ""), stderr };
}

const goesOn = ["other got e1", "other got e2", "the pipeline goes on"];
const reported = /Hook "careless" has left a promise that was rejected: nobody awaited it/;
const stray = 'Promise.reject(new Error("nobody awaited it"))';

test.concurrent.for([
  ["while it delivers", `() => void ${stray}`],
  ["after it has delivered", `() => { setTimeout(() => void ${stray}, 10); }`],
  [
    "in an asynchronous function of its own",
    `() => { void (async () => { await 1; throw new Error("nobody awaited it"); })(); }`,
  ],
  [
    "while it is made",
    `defineHook({ name: "k", options, create: () => { ${stray}; return { deliver() {} }; } })({})`,
  ],
  [
    "while it is made, which takes time",
    `defineHook({ name: "k", options, create: async () => { await 1; ${stray}; return { deliver() {} }; } })({})`,
  ],
  ["while it is checked", `{ deliver() {}, async check() { ${stray}; } }`],
  [
    "while it makes a record",
    `defineHook({ name: "k", options, batch: { maxCount: 2, maxBytes: 9 }, create: () => createBatchHook({ record: () => { ${stray}; return { value: 1, bytes: 1 }; }, async send() {} }) })({})`,
  ],
  [
    "while it sends many",
    `defineHook({ name: "k", options, batch: { maxCount: 2, maxBytes: 9 }, create: () => createBatchHook({ record: () => ({ value: 1, bytes: 1 }), async send() { ${stray}; } }) })({})`,
  ],
])(
  "a promise that a hook leaves behind %s does not end the pipeline, and is reported",
  ([, hook = ""]) => {
    const { status, stdout, stderr } = runPipeline(hook);

    expect(stderr).toMatch(reported);
    expect(stdout).toEqual(goesOn);
    expect(status).toBe(0);
  },
);

test.concurrent("a secret in what it was rejected with is not reported", () => {
  const { status, stderr } = runPipeline(
    '() => void Promise.reject(new Error("token s3cret-token"))',
  );

  expect(status).toBe(0);
  expect(stderr).toMatch(/was rejected: token \[/);
  expect(stderr).not.toContain("s3cret-token");
});

const foreign = `Promise.reject(new Error("the pipeline's own")); await new Promise((resolve) => setTimeout(resolve, 50)); console.log("after");`;

test.concurrent("what the pipeline itself leaves behind ends it as it would without hooks", () => {
  const { status, stdout, stderr } = runPipeline("() => {}", { after: foreign });

  expect(status).toBe(1);
  expect(stdout).toEqual(goesOn);
  expect(stderr).toContain("Error: the pipeline's own");
  expect(stderr).toContain("Node.js v");
});

test.concurrent("or does not, as --unhandled-rejections says", () => {
  const flags = ["--unhandled-rejections=none"];
  const { status, stdout, stderr } = runPipeline("() => {}", { after: foreign, flags });

  expect([status, stderr]).toEqual([0, ""]);
  expect(stdout).toEqual([...goesOn, "after"]);
});

test.concurrent("and is left to the pipeline's own listener, where it has one", () => {
  const after = `process.on("unhandledRejection", (error) => console.log("heard", error.message)); ${foreign}`;
  const { status, stdout } = runPipeline("() => {}", { after });

  expect(status).toBe(0);
  expect(stdout).toEqual([...goesOn, "heard the pipeline's own", "after"]);
});
