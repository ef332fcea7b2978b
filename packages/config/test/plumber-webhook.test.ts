import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { isConfigError, migrate, openPipehooks, type Problem } from "@pipehooks/config";
import { compileTemplate, createMemoryStore, type JsonValue, silentLogger } from "@pipehooks/core";
import { expect, onTestFinished, test } from "vitest";
import { loadText, problemsOf } from "./workspace.ts";

/** One webhook of that form; `keys` one a line. */
function block(keys: string, url = "https://ops.example.com/hook"): string {
  const lines = [`webhook_url: ${url}`, ...keys.split("\n")].map((line) => `        ${line}\n`);
  return `plugins:\n  config:\n    event_hooks:\n      webhook:\n${lines.join("")}`;
}

/** Its options and warnings; what `migrate` makes of it has the same. */
async function loadBoth(text: string) {
  const load = async (yaml: string) => {
    const { options, warnings } = await loadText(yaml);
    const [{ hook }] = options.hooks as unknown as [{ hook: { options: { payload: JsonValue } } }];
    return { options: hook.options, warnings: warnings.map(({ message }) => message) };
  };
  const [before, after] = await Promise.all([load(text), load(migrate(text))]);
  expect(after.options).toEqual(before.options);
  return before;
}

function refusedByMigrate(text: string): readonly Problem[] {
  try {
    migrate(text);
    return [];
  } catch (error) {
    if (isConfigError(error)) return error.problems;
    throw error;
  }
}

const event = { type: "pipeline.end", pipeline: 'a "b"', metadata: { rows: 3 } };

test.for([
  [`{"rows": \${rows}, "p": "\${pipeline}"}`, { rows: 3, p: 'a "b"' }, { rows: null, p: null }],
  [`{"p": \${ pipeline }, "text": "\${pipeline}, \${rows}"}`, { p: 'a "b"', text: 'a "b", 3' }],
  [
    `[\${rows}, -1.5e3, "\\"\${rows}\\" 12345678901234567890"]`,
    [3, -1500, '"3" 12345678901234567890'],
  ],
  [`{"rows": \${rows:-0}}`, { rows: 3 }, { rows: 0 }],
  [
    `{"meta": \${metadata}, "a": {"b": [\${event}]}}`,
    { meta: { rows: 3 }, a: { b: ["pipeline.end"] } },
  ],
] as const)("a JSON text with references is data: %s", async ([text, filled, lacking]) => {
  const { options, warnings } = await loadBoth(block(`payload_template: '${text}'`));

  const template = compileTemplate(options.payload);
  expect(template.render(event)).toEqual(filled);
  if (lacking !== undefined) expect(template.render({ type: "a" })).toEqual(lacking);
  expect(warnings).toEqual([]);
});

test.for(["{'rows': ${rows}}", '{"rows": ${rows}${rows}}', "{${pipeline}: 1}", "[${rows},]"])(
  "a text that only looks like JSON is sent as text, and that is said: %s",
  async (text) => {
    const { options, warnings } = await loadBoth(
      block(`payload_template: ${JSON.stringify(text)}`),
    );

    expect(options.payload).toBeTypeOf("string");
    expect(warnings).toEqual([expect.stringContaining("looks like JSON and is none")]);
  },
);

test.for(["run ${pipeline} {x}", "[prod] ${pipeline} ended"])(
  "a text that is none is said nothing of: %s",
  async (text) => {
    const { warnings } = await loadBoth(block(`payload_template: ${JSON.stringify(text)}`));

    expect(warnings).toEqual([]);
  },
);

test.for([
  ["12345678901234567890", "6:35", '"12345678901234567890"'],
  ["1e400", "6:35", undefined],
])(
  "a number that cannot be carried is refused where it stands, by migrate too: %s",
  async ([number, place, suggestion]) => {
    const text = block(`payload_template: '{"id": ${number}}'`);

    const problems = await problemsOf(text);

    expect(problems).toMatchObject([
      { message: expect.stringContaining(`${number} is`), suggestion },
    ]);
    expect(`${problems[0]?.line}:${problems[0]?.column}`).toBe(place);
    expect(refusedByMigrate(text).map(({ message }) => message)).toEqual(
      problems.map(({ message }) => message),
    );
  },
);

test.for([
  ["http://ops.example.com", "verify_ssl: false", { allowHttp: true }, "is plain http"],
  ["https://ops.example.com", "verify_ssl: false", { tls: { verify: false } }],
  ["https://ops.example.com", "verify_ssl: ${VERIFY:-false}", { tls: { verify: false } }],
  ["https://ops.example.com", "verify_ssl:", {}],
  ["http://localhost:8080", "timeout: 5", { allowPrivate: true }, "of an internal network"],
  ["https://airflow:8443", "timeout: 5", { allowPrivate: true }, "of an internal network"],
  ["http://10.1.2.3/x", "verify_ssl: false", { allowPrivate: true }, "of an internal network"],
  ["http://[::1]/x", "timeout: 5", { allowPrivate: true }, "of an internal network"],
  [
    "http://localhost",
    "allow: [127.0.0.0/8]\nallow_http: true",
    { allow: ["127.0.0.0/8"], allowHttp: true },
  ],
  [
    "http://ops.example.com",
    "allow_private: true",
    { allowHttp: true, allowPrivate: true },
    "is plain http",
  ],
  ["${URL:-https://localhost}", "allow_private: ${ALLOW:-true}", { allowPrivate: true }],
] as const)(
  "what %s with %j may reach is opened, and that is said",
  async ([url, keys, expected, said]) => {
    const { options, warnings } = await loadBoth(block(keys, JSON.stringify(url)));

    const { url: _url, ...rest } = { url: "", ...options };
    expect(rest).toEqual(expected);
    expect(warnings).toEqual(said === undefined ? [] : [expect.stringContaining(said)]);
  },
);

test("a metadata service stays closed", async () => {
  const { options } = await loadBoth(block("timeout: 5", "http://169.254.169.254/"));

  expect(options).not.toHaveProperty("allowPrivate");
});

test("a receiver on this machine gets its events", async () => {
  const bodies: string[] = [];
  const server = createServer((request, response) => {
    request.setEncoding("utf8").on("data", (text: string) => bodies.push(text));
    request.on("end", () => response.end());
  }).listen(0, "127.0.0.1");
  onTestFinished(() => void server.close());
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const template = `payload_template: '{"rows": \${rows}, "p": "\${pipeline}"}'`;
  const loaded = await loadText(block(template, `http://127.0.0.1:${port}/x`));
  const bus = await openPipehooks(loaded, { store: createMemoryStore(), logger: silentLogger });

  await bus.emit("pipeline.end", { pipeline: 'a "b"' });
  await bus.drain();
  await bus.close();

  expect(bodies).toEqual(['{"rows":null,"p":"a \\"b\\""}']);
});
