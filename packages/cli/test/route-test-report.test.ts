import { chmod, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createPlace, type Ended, testFile } from "./route-tests.ts";

const config = `version: 1
source: /tests
hooks:
  - name: ops
    kind: webhook
    events: pipeline.end
    when: event.pipeline == "a"
    options: { url: https://ops.example.com/hook }
  - name: pager
    kind: webhook
    events: pipeline.error
    options: { url: "https://pager.example.com/\${env:PIPEHOOKS_TEST_NO_KEY}", payload: { text: "\${error.message}" } }
  - name: "off"
    kind: webhook
    enabled: false
    events: pipeline.start
    options: { url: https://off.example.com/ }
`;
const tests = `tests:
  - name: good
    steps:
      - emit: { type: pipeline.end, pipeline: a }
      - expect: { hook: ops }
  - name: bad <&"'> ✓
    steps:
      - emit: { type: pipeline.error, pipeline: a, error: { message: "a < b & c" } }
      - expect:
          hook: pager
          rendered: { text: "a > b" }
  - name: later
    skip: true
    steps:
      - emit: { type: pipeline.end }
`;

function place(files: Readonly<Record<string, string>> = {}) {
  return createPlace({ "pipehooks.yaml": config, ...files });
}

/** What does not say how long it took, or where the folder is. */
function steady({ stdout }: Ended, path: string): readonly string[] {
  return stdout
    .replaceAll(/ \(\d[^)]*s\)/g, "")
    .replaceAll(/in \d.*s$/gm, "in …")
    .replaceAll(`${path}/`, "")
    .trimEnd()
    .split("\n");
}

test("results are told with marks, differences, the place of the step, and a summary", async () => {
  await using own = await place({ "a.test.yaml": tests });

  const ended = await own.run("test", own.path);

  expect(ended.status).toBe(1);
  expect(steady(ended, own.path)).toEqual([
    "a.test.yaml",
    "  ✓ good",
    `  ✗ bad <&"'> ✓`,
    '      a.test.yaml:9:9: expect: hook "pager" is not as expected.',
    "        9 |       - expect:",
    "          |         ^",
    "        rendered.text",
    '          - expected: "a > b"',
    '          + actual:   "a < b & c"',
    "        dlv_1 of pipeline.error (evt_1) is delivered, 1 attempt, POST https://pager.example.com/[redacted]",
    "  - later (skipped)",
    "",
    "1 test passed, 1 failed, 1 skipped, in …",
  ]);
});

test("the exit status is 0 when all pass, 1 when one fails, 2 when nothing could be run", async () => {
  const step = "emit: { type: pipeline.end, pipeline: a }";
  await using own = await place({
    "good.test.yaml": testFile(step, "expect: { hook: ops }"),
    "bad.test.yml": testFile(step, "expect_nothing: all"),
    "wrong.yaml": testFile("emit: {}"),
    "node_modules/x/other.test.yaml": "no: tests",
    ".hidden/other.test.yaml": "no: tests",
  });

  const run = async (...args: string[]) => (await own.run("test", ...args)).status;

  expect(await run(join(own.path, "good.test.yaml"))).toBe(0);
  expect(await run(own.path)).toBe(1);
  expect(await run(join(own.path, "wrong.yaml"))).toBe(2);
  expect(await run(join(own.path, "missing.test.yaml"))).toBe(2);
  expect(await run(own.path, "--filter", "nobody")).toBe(2);
  expect(await run(join(own.path, ".hidden/none"))).toBe(2);
});

test("folders that may not be read hold no tests", async ({ skip }) => {
  if (process.getuid?.() === 0) skip("nothing is unreadable to root");
  await using own = await place({
    "good.test.yaml": testFile(
      "emit: { type: pipeline.end, pipeline: a }",
      "expect: { hook: ops }",
    ),
    "locked/other.test.yaml": "no: tests",
  });
  await chmod(join(own.path, "locked"), 0);

  const { status } = await own.run("test", own.path);
  await chmod(join(own.path, "locked"), 0o700);

  expect(status).toBe(0);
});

test("a file that is no route test is refused with every problem and its place", async () => {
  await using own = await place({
    "a.test.yaml": `confg: pipehooks.yaml
seed: -1
tests:
  - name: one
    start: yesterday
    steps:
      - wait: 5 minutes
      - emit: { pipeline: a }
        wait: 1s
      - expekt: { hook: ops }
      - expect: { hook: opps }
      - expect: { hook: ops, within: 5s }
      - expect: { hook: ops, at: [soon], state: done }
      - answer: { hook: pager, with: [99] }
`,
    "b.test.yaml": "",
    "c.test.yaml": testFile(
      "expect: { hook: opps }",
      "answer: { hook: 'off', with: [200] }",
      "expect_nothing: { hooks: [ops, pagr] }",
    ),
  });

  await own.write("d.test.yaml", Buffer.from("# caf\u00e9\ntests: []\n", "latin1"));

  const { status, stderr } = await own.run("test", own.path);

  expect(status).toBe(2);
  for (const said of [
    "d.test.yaml:1:6: The file is not in UTF-8",
    'a.test.yaml:1:1: this file has no key "confg".',
    "Did you mean config?",
    'a.test.yaml:2:7: "seed" must be at least 0, not the number -1.',
    'a.test.yaml:5:12: "start" must be a time with date, hour and zone',
    "a.test.yaml:7:15: ",
    "Did you mean 5m?",
    'a.test.yaml:10:9: tests[0].steps[2] has no key "expekt".',
    'a.test.yaml:12:9: "expect": "within" says nothing without "attempts", "at" or a "state" that is final.',
    "a.test.yaml:13:35: ",
    "a.test.yaml:13:49: ",
    'b.test.yaml:1:1: The file is empty. Write at least "tests:".',
  ]) {
    expect(stderr).toContain(said);
  }
  expect(stderr).not.toContain("needs exactly one");
  const { stderr: names } = await own.run("test", join(own.path, "c.test.yaml"));
  expect(names).toContain(
    'c.test.yaml:4:25: No hook is called "opps". Configured and not off: ops, pager.',
  );
  expect(names).toContain("Did you mean ops?");
  expect(names).toContain('c.test.yaml:5:25: No hook is called "off".');
  expect(names).toContain("Did you mean pager?");
  expect(names).toContain("3 problems; nothing was started.");
});

test("a step has exactly one key", async () => {
  await using own = await place({
    "a.test.yaml": testFile("{ wait: 1s, until: 2026-02-01T00:00:00Z }"),
  });

  const { status, stderr } = await own.run("test", own.path);

  expect(status).toBe(2);
  expect(stderr).toContain(
    "needs exactly one of: emit, wait, until, answer, expect, expect_nothing, expect_event",
  );
});

test("--filter, only and skip choose tests", async () => {
  const named = (name: string, more = "") =>
    `  - name: ${name}\n${more}    steps:\n      - emit: { type: pipeline.end, pipeline: a }\n`;
  await using own = await place({
    "a.test.yaml": `tests:\n${named("apple")}${named("Pear tree")}`,
    "b.test.yaml": `tests:\n${named("plum", "    skip: true\n")}`,
  });
  const outcomes = async (...args: string[]) =>
    (await own.test(...args)).map(({ name, status }) => `${name}: ${status}`);

  expect(await outcomes()).toEqual(["apple: passed", "Pear tree: passed", "plum: skipped"]);
  expect(await outcomes("--filter", "pear")).toEqual(["Pear tree: passed"]);
  await own.write("b.test.yaml", `tests:\n${named("plum", "    only: true\n")}`);
  expect(await outcomes()).toEqual(["apple: skipped", "Pear tree: skipped", "plum: passed"]);
});

test("the configuration is the one that the file names, or finds, and --config wins", async () => {
  const other = config.replace("events: pipeline.end", "events: pipeline.start");
  const step = "emit: { type: pipeline.start, pipeline: a }";
  const expects = testFile(step, "expect: { hook: ops }");
  await using own = await place({
    "deep/er/found.test.yaml": expects,
    "deep/named.test.yaml": `config: ../other.yaml\n${expects}`,
    "other.yaml": other,
  });
  const statuses = async (...args: string[]) =>
    (await own.test(...args)).map(({ status }) => status);

  expect(await statuses()).toEqual(["failed", "passed"]);
  expect(await statuses("--config", join(own.path, "other.yaml"))).toEqual(["passed", "passed"]);
  expect(await statuses("--config", join(own.path, "pipehooks.yaml"))).toEqual([
    "failed",
    "failed",
  ]);
});

test("problems of the configuration are told as validate tells them, and nothing runs", async () => {
  await using own = await createPlace({
    "pipehooks.yaml": config.replace("events: pipeline.end", "evnts: pipeline.end"),
    "a.test.yaml": tests,
  });

  const { status, stdout, stderr } = await own.run("test", own.path);

  expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
  expect(stderr).toContain('pipehooks.yaml:6:5: hooks[0] has no key "evnts".');
});

test("a secret that cannot be stood in for is told as missing", async () => {
  await using own = await createPlace({
    "pipehooks.yaml": config.replace(
      "when: event.pipeline",
      "timeout: ${env:PIPEHOOKS_TEST_NO_TIME}\n    when: event.pipeline",
    ),
    "a.test.yaml": tests,
  });

  const { status, stderr } = await own.run("test", own.path);

  expect(status).toBe(2);
  expect(stderr).toContain("The environment variable PIPEHOOKS_TEST_NO_TIME is not set.");
});

test("what no test has shown is told at the end, and --coverage lists every hook", async () => {
  const step = "emit: { type: pipeline.end, pipeline: a }";
  await using own = await place({ "a.test.yaml": testFile(step, "expect: { hook: ops }") });

  const plain = await own.run("test", own.path);
  const listed = await own.run("test", own.path, "--coverage");

  expect(plain.stdout).toContain(
    'Not shown by any test:\n  the condition of hook "ops" was never false: event.pipeline == "a"\n  hook "pager" was reached by no test\n',
  );
  expect(plain.stdout).not.toContain("HOOK");
  expect(listed.stdout).toMatch(
    /^HOOK +DELIVERIES +TRUE +FALSE +CONDITION\nops +1 +1 +0 +event\.pipeline == "a"\npager +0$/m,
  );
  await own.write(
    "b.test.yaml",
    testFile(
      step.replace("pipeline: a", "pipeline: b"),
      "emit: { type: pipeline.error, error: { message: x } }",
    ),
  );
  expect((await own.run("test", own.path)).stdout).not.toContain("Not shown");
  expect((await own.run("test", join(own.path, "b.test.yaml"), "--filter", "it")).stdout).toContain(
    'the condition of hook "ops" was never true',
  );
});

test("conditions of gates count, too, each of the events that it is asked of", async () => {
  const join = `version: 1
source: /tests
hooks:
  - name: build
    kind: webhook
    join:
      all_of:
        - { name: orders, events: table.created, when: event.table == "orders" }
        - { name: rest, events: pipeline.end }
      fail_when: event.metadata.rows == 0
    options: { url: https://build.example.com/ }
`;
  await using own = await createPlace({
    "pipehooks.yaml": join,
    "a.test.yaml": testFile(
      "emit: { type: table.created, table: orders, metadata: { rows: 1 } }",
      "emit: { type: pipeline.end, metadata: { rows: 2 } }",
      "expect: { hook: build }",
    ),
  });

  const { stdout } = await own.run("test", own.path);

  expect(stdout).toContain(
    [
      "Not shown by any test:",
      '  the condition "input orders" of the gate of hook "build" was never false: event.table == "orders"',
      '  the condition "failWhen" of the gate of hook "build" was never true: event.metadata.rows == 0',
      "",
    ].join("\n"),
  );
});

test("--json is one value for each test, and then the summary with the coverage", async () => {
  await using own = await place({ "a.test.yaml": tests });

  const { stdout } = await own.run("test", own.path, "--json");

  const lines = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(lines).toMatchObject([
    { file: join(own.path, "a.test.yaml"), name: "good", line: 2, status: "passed" },
    {
      status: "failed",
      failure: {
        line: 9,
        column: 9,
        message: 'expect: hook "pager" is not as expected.',
        differences: [{ what: "rendered.text", expected: '"a > b"', actual: '"a < b & c"' }],
        notes: [expect.stringContaining("dlv_1")],
        log: [],
      },
    },
    { name: "later", status: "skipped" },
    {
      summary: { passed: 1, failed: 1, skipped: 1 },
      coverage: {
        complete: false,
        hooks: [
          { hook: "ops", deliveries: 1, when: { true: 1, false: 0 } },
          { hook: "pager", deliveries: 1 },
        ],
        gaps: ['the condition of hook "ops" was never false: event.pipeline == "a"'],
      },
    },
  ]);
});

test("--junit writes XML that comes back as it was, whatever the texts hold", async () => {
  await using own = await place({ "a.test.yaml": tests });
  const file = join(own.path, "reports/junit.xml");

  await own.run("test", own.path, "--junit", file);

  const xml = await readFile(file, "utf8");
  const document = parseXml(xml);
  expect(document.name).toBe("testsuites");
  expect(document.attributes).toMatchObject({
    tests: "3",
    failures: "1",
    skipped: "1",
    errors: "0",
  });
  const [suite] = document.children;
  expect(suite?.attributes).toMatchObject({ tests: "3", failures: "1", skipped: "1" });
  expect(suite?.children.map(({ attributes }) => attributes)).toMatchObject([
    { name: "good", line: "2" },
    { name: `bad <&"'> ✓`, line: "6", time: expect.stringMatching(/^\d+\.\d{3}$/) },
    { name: "later" },
  ]);
  const [good, bad, later] = suite?.children ?? [];
  expect(good?.children).toEqual([]);
  expect(later?.children).toMatchObject([{ name: "skipped" }]);
  expect(bad?.children[0]).toMatchObject({
    name: "failure",
    attributes: { message: 'expect: hook "pager" is not as expected.' },
  });
  expect(bad?.children[0]?.text).toContain('- expected: "a > b"\n    + actual:   "a < b & c"');
});

test("what XML cannot hold is replaced", async () => {
  await using own = await place({
    "a.test.yaml": testFile(
      'emit: { type: pipeline.error, error: { message: "\\u0001\\ud800x\\ttab" } }',
      'expect: { hook: pager, rendered: { text: "]]>" } }',
    ).replace("name: it", 'name: "one\\u0000two\\nthree"'),
  });
  const file = join(own.path, "junit.xml");

  await own.run("test", own.path, "--junit", file);

  const [suite] = parseXml(await readFile(file, "utf8")).children;
  expect(suite?.children[0]?.attributes.name).toBe("one\ufffdtwo\nthree");
  expect(suite?.children[0]?.children[0]?.text).toContain("]]>");
});

interface Element {
  readonly name: string;
  readonly attributes: Record<string, string>;
  readonly children: Element[];
  text: string;
}

/** As strict as needed here: well nested, all attributes quoted, no character that XML 1.0 forbids, no bare & or <. */
function parseXml(xml: string): Element {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
  expect(xml).not.toMatch(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/);
  const top: Element = { name: "", attributes: {}, children: [], text: "" };
  const open = [top];
  const [, body = ""] = /^<\?xml version="1\.0" encoding="UTF-8"\?>\n([\s\S]*)$/.exec(xml) ?? [];
  for (const [token, closing, name = "", attributes = "", self, text] of body.matchAll(
    /<(\/?)([\w-]+)((?:\s+[\w-]+="[^"<]*")*)\s*(\/?)>|([^<]+)|</g,
  )) {
    const here = open.at(-1) as Element;
    if (text !== undefined) here.text += unescapeXml(text);
    else if (closing === "/") expect(open.pop()?.name).toBe(name);
    else {
      expect(token).not.toBe("<");
      const pairs = [...attributes.matchAll(/([\w-]+)="([^"]*)"/g)];
      const element: Element = {
        name,
        attributes: Object.fromEntries(
          // An attribute's line ends and tabs are spaces to a parser.
          pairs.map(([, key = "", value = ""]) => [
            key,
            unescapeXml(value.replaceAll(/[\t\n\r]/g, " ")),
          ]),
        ),
        children: [],
        text: "",
      };
      here.children.push(element);
      if (self !== "/") open.push(element);
    }
  }
  expect(open).toHaveLength(1);
  return top.children[0] as Element;
}

function unescapeXml(text: string): string {
  const named: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };
  return text.replaceAll(/&(?:#(\d+);|(\w+);)?/g, (whole, code?: string, name?: string) => {
    const character = code === undefined ? named[name ?? ""] : String.fromCodePoint(Number(code));
    expect(character, whole).toBeDefined();
    return character ?? "";
  });
}
