import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { createPlace } from "./route-tests.ts";

const page = readFileSync(new URL("../../../docs/route-tests.md", import.meta.url), "utf8");
const blocks = [...page.matchAll(/^```yaml\n(.*?)^```/gms)].map(([, code = ""]) => code);

test("the route tests of the page pass under the configuration of the page", async () => {
  const [config = ""] = blocks.filter((code) => code.startsWith("version: 1"));
  const files = blocks.filter((code) => /^tests:/m.test(code));
  await using place = await createPlace({
    "pipehooks.yaml": config,
    ...Object.fromEntries(files.map((code, index) => [`${index}.test.yaml`, code])),
  });

  const { status, stdout } = await place.run("test", place.path);

  expect(files).not.toEqual([]);
  expect(stdout).toMatch(/^4 tests passed, in /m);
  expect(stdout).not.toContain("✗");
  expect(status).toBe(0);
});

test("the page names every key of a step and of an expectation", async () => {
  await using place = await createPlace({
    "pipehooks.yaml": "version: 1\nhooks: []\n",
    "a.test.yaml": "tests:\n  - name: it\n    steps:\n      - qqqqqqqqqq: 1\n",
    "b.test.yaml": "tests:\n  - name: it\n    steps:\n      - expect: { qqqqqqqqqq: 1 }\n",
    "c.test.yaml": "tests:\n  - qqqqqqqqqq: it\n",
    "d.test.yaml": "qqqqqqqqqq: it\n",
  });

  const { stderr } = await place.run("test", place.path);

  const known = [...stderr.matchAll(/Known are: (.*)\./g)].map(([, keys = ""]) => keys.split(", "));
  expect(known.map((keys) => keys.length)).toEqual([7, 12, 5, 3]);
  for (const key of known.flat()) expect(page).toMatch(new RegExp(`\`[^\`\\n]*\\b${key}\\b`));
});
