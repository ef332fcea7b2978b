import { formatProblem, isConfigError } from "@pipehooks/config";
import { expect, test } from "vitest";
import { type ExpectedProblem, expectProblems } from "./expect-problems.ts";
import { fixture, loadText, problemsOf, withHook } from "./workspace.ts";

interface Wrong {
  readonly what: string;
  readonly text: string;
  readonly problems: readonly ExpectedProblem[];
}

const recorder = fixture("recorder.ts");

const wrongFiles: readonly Wrong[] = [
  { what: "an empty file", text: "", problems: [["1:1", "The file is empty"]] },
  { what: "a file that is a list", text: "- a\n- b\n", problems: [["1:1", "must hold keys"]] },
  {
    what: "a tab as indentation",
    text: "version: 1\nretention:\n\tmax_age: 30d\n",
    problems: [["3:1", "A tab indents this line"]],
  },
  {
    what: "a quote that is not closed",
    text: 'version: 1\nsource: "/x\n',
    problems: [["2:9", "A quote is not closed"]],
  },
  {
    what: "a quote that is not closed, far from the end, at its beginning and without guesses",
    text: withHook("when: 'event.pipeline ==\ntimeout: 5s"),
    problems: [["7:11", "A quote is not closed"]],
  },
  {
    what: "a brace that is not closed until the end, at its beginning",
    text: "version: 1\nretention: { max_age: 1d\n",
    problems: [["2:12", "must be sufficiently indented and end with a }"]],
  },
  {
    what: "a no-break space as indentation",
    text: "version: 1\nretention:\n\u00a0 max_age: 30d\n",
    problems: [["3:1", "A no-break space (U+00A0) indents this line"]],
  },
  {
    what: "a value that begins with a reserved character",
    text: "version: 1\nsource: @prod\n",
    problems: [["2:9", "A value cannot begin with @. Put it in quotes."]],
  },
  {
    what: "a list that is not closed",
    text: "version: 1\nretention: {\nsource: /x\n",
    problems: [["3:1", "Not readable as YAML"]],
  },
  {
    what: "a wrong indentation, without guesses about what stands behind it",
    text: "version: 2\nhooks:\n  - name: a\n     kind: webhook\n",
    problems: [
      ["1:10", '"version" must be 1', "1"],
      ["3:11", "the indentation is wrong"],
    ],
  },
  {
    what: "two documents",
    text: "version: 1\n---\nversion: 1\n",
    problems: [["2:1", "more than one document"]],
  },
  {
    what: "a key that is there twice",
    text: "version: 1\nsource: /a\nsource: /b\n",
    problems: [["3:1", 'The key "source" is there already, at line 2']],
  },
  {
    what: "an alias without an anchor",
    text: "version: 1\ndefaults: *policies\n",
    problems: [["2:11", "no anchor &policies"]],
  },
  {
    what: "an alias inside its own anchor",
    text: "version: 1\nx-loop: &loop [*loop]\n",
    problems: [["2:16", "inside its own anchor"]],
  },
  {
    what: "a tag",
    text: "version: 1\nsource: !env SOURCE\n",
    problems: [["2:9", "The tag !env is not known"]],
  },
  {
    what: "an alias that leads nowhere, once: in a merge, among hooks, under a key of ours",
    text: "version: 1\ndefaults: { <<: [*a] }\nevent_types: { a.b: *b }\nhooks: [*c]\n",
    problems: [
      ["2:18", "no anchor &a"],
      ["3:21", "no anchor &b"],
      ["4:9", "no anchor &c"],
    ],
  },
  {
    what: "a tag of YAML 1.1 whose value would be no text",
    text: "version: 1\nsource: !!binary aGVsbG8=\n",
    problems: [["2:9", "The tag tag:yaml.org,2002:binary is not known"]],
  },
  {
    what: "a key in YAML 1.1's words, as it is written",
    text: "%YAML 1.1\n---\nversion: 1\nhooks:\n  - { name: a, kind: webhook, on: x, events: '*', options: { url: 'https://a.example' } }\n",
    problems: [["5:31", 'has no key "on". Here that is "events"']],
  },
  {
    what: "a number that JSON cannot carry at all, once",
    text: withHook("", "labels: { job: .inf }"),
    problems: [["9:22", ".inf is not a number that JSON can carry"]],
  },
  {
    what: "a number that JSON cannot carry exactly",
    text: withHook("", "labels: { job: 123456789012345678 }"),
    problems: [
      ["9:22", "larger than a number can carry exactly", '"123456789012345678"'],
      ["9:22", '"job" must be text'],
    ],
  },
  {
    what: "an unknown key at the top, near a right one",
    text: 'version: 1\nstroe: "memory:"\n',
    problems: [["2:1", 'no key "stroe"', "store"]],
  },
  {
    what: "an unknown key that is near none",
    text: "version: 1\nzzz: 1\n",
    problems: [["2:1", "Known are: version, store"]],
  },
  {
    what: "a wrong version",
    text: 'version: "1"\n',
    problems: [["1:10", '"version" must be 1, not "1"', "1"]],
  },
  {
    what: "a store that comes in a later version",
    text: "version: 1\nstore: postgres://user:hush@db/x\n",
    problems: [["2:8", "postgres: stores are not in this version"]],
  },
  {
    what: "a store without its scheme",
    text: "version: 1\nstore: data/events.db\n",
    problems: [["2:8", "must be sqlite:PATH or memory:", "sqlite:data/events.db"]],
  },
  {
    what: "SQLite in memory",
    text: "version: 1\nstore: 'sqlite::memory:'\n",
    problems: [["2:8", "no store here", "memory:"]],
  },
  {
    what: "a source with a space",
    text: "version: 1\nsource: my pipelines\n",
    problems: [["2:9", "a URI reference without spaces"]],
  },
  {
    what: "a size without a unit",
    text: "version: 1\nmax_event_size: 1000\n",
    problems: [["2:17", '"max_event_size" must be text, not the number 1000']],
  },
  {
    what: "a size and ages that nothing could be opened with",
    text: "version: 1\nmax_event_size: 0B\nretention: { max_age: 366d, dead_max_age: 99999999d }\n",
    problems: [
      ["2:17", '"max_event_size": this size must be at least 1B'],
      ["3:23", '"max_age": a duration is at most 365d'],
      ["3:43", '"dead_max_age": a duration is at most 365d'],
    ],
  },
  {
    what: "a size that no number can carry",
    text: "version: 1\nmax_event_size: 99999999999GiB\n",
    problems: [["2:17", '"max_event_size": this size is too large']],
  },
  {
    what: "a destination that would switch off a hook",
    text: "version: 1\ndestinations: { hex: { breaker: { failures: 2, disable_after: 9 } } }\n",
    problems: [["2:48", 'destinations.hex.breaker has no key "disable_after"']],
  },
  {
    what: "a duration as a number",
    text: "version: 1\ndefaults: { timeout: 30 }\n",
    problems: [["2:22", 'must be a duration such as "30s", not the number 30', "30s"]],
  },
  {
    what: "a duration in words",
    text: "version: 1\nretention: { max_age: 30 days }\n",
    problems: [["2:23", "a duration is a number with ms, s, m, h or d", "30d"]],
  },
  {
    what: "a rate that is no rate",
    text: "version: 1\ndestinations:\n  hex: { rate_limit: [20 per minute] }\n",
    problems: [["3:23", 'a rate is COUNT/DURATION, such as "20/1m"']],
  },
  {
    what: "a rate that is no list",
    text: "version: 1\ndestinations:\n  hex: { rate_limit: 20/1m }\n",
    problems: [["3:22", '"rate_limit" must be a list', '["20/1m"]']],
  },
  {
    what: "an unknown key in a policy, and a value out of its range",
    text: withHook("retry: { attempts: 0, max_ages: 1h }"),
    problems: [
      ["7:24", '"attempts" must be at least 1, not the number 0'],
      ["7:27", 'hooks[0].retry has no key "max_ages"', "max_age"],
    ],
  },
  {
    what: "a word that is none of the choices",
    text: withHook("retry: { jitter: ful }"),
    problems: [["7:22", '"jitter" must be full, equal or none, not "ful"', "full"]],
  },
  {
    what: "a hook without its three keys",
    text: "version: 1\nhooks:\n  - enabled: true\n",
    problems: [
      ["3:5", '"name" is missing in hooks[0]. It must be text.'],
      ["3:5", '"kind" is missing in hooks[0]. It must be text.'],
      ["3:5", '"events" is missing in hooks[0]. It must be a list or text.'],
    ],
  },
  {
    what: "hooks by name instead of a list",
    text: "version: 1\nhooks:\n  ops:\n    kind: webhook\n",
    problems: [["2:1", '"hooks" must be a list']],
  },
  {
    what: "a hook that is a text",
    text: "version: 1\nhooks: [ops]\n",
    problems: [["2:9", "hooks[0] must be keys and values"]],
  },
  {
    what: "a name with a space",
    text: withHook().replace("name: log", "name: my log"),
    problems: [["4:11", "a name has letters, digits, - _ and . only"]],
  },
  {
    what: "two hooks of one name",
    text: `${withHook()}  - name: log
    kind: recorder
    events: ["*"]
    options: { output_file: x }
`,
    problems: [["9:11", 'hooks[0] has the name "log" already']],
  },
  {
    what: "a kind that nobody brings",
    text: withHook().replace("kind: recorder", "kind: recoder"),
    problems: [["5:11", 'No kind is called "recoder"', "recorder"]],
  },
  {
    what: "a glob that cannot be read",
    text: withHook('events: ["pipeline.{end,error"]'),
    problems: [["6:14", '"pipeline.{end,error" is not a glob: a brace is not closed']],
  },
  {
    what: "a glob in a filter that cannot be read",
    text: withHook('filter: { pipelines: ["prod_*", "[a-"] }'),
    problems: [["7:37", '"[a-" is not a glob']],
  },
  {
    what: "a kind as a key, and keys as other tools have them",
    text: withHook("webhook: { url: a }\non: x\npolicy: {}"),
    problems: [
      ["7:5", 'has no key "webhook". Write "kind: webhook", and what it takes under "options".'],
      ["8:5", 'has no key "on". Here that is "events".'],
      ["9:5", 'has no key "policy". Here that is "retry".'],
    ],
  },
  {
    what: "a filter that does not exist",
    text: withHook("filter: { pipeline: [a] }"),
    problems: [["7:15", 'hooks[0].filter has no key "pipeline"', "pipelines"]],
  },
  {
    what: "an event type that nobody declares",
    text: withHook("events: [pipeline.ended]"),
    problems: [["6:14", 'No event type is called "pipeline.ended"', "pipeline.end"]],
  },
  {
    what: "no events at all",
    text: withHook("events: []"),
    problems: [["6:5", 'Write ["*"] for all events']],
  },
  {
    what: "a condition that cannot be read, with the column inside it",
    text: withHook(`when: 'event.pipeline === "x"'`),
    problems: [["7:27", 'Condition "event.pipeline === ', "=="]],
  },
  {
    what: "a condition over something that is not there",
    text: withHook("when: evnt.pipeline == 'x'"),
    problems: [["7:11", "Unknown variable: evnt", "event"]],
  },
  {
    what: "a condition in a block, with the line inside it",
    text: withHook("when: |\n  event.pipeline == 'x' &&\n  event.table = 'y'"),
    problems: [["9:19", "Condition", "=="]],
  },
  {
    what: "a condition that gives no truth",
    text: withHook("when: 1 + 1"),
    problems: [["7:11", "a condition must give true or false"]],
  },
  {
    what: "an order by a field that events do not have",
    text: withHook("order_by: pipelin"),
    problems: [["7:15", 'An event has no field "pipelin"', "pipeline"]],
  },
  ...["order_by", "destination"].map(
    (key): Wrong => ({
      what: `an empty ${key}, said once`,
      text: withHook(`${key}: ""`),
      problems: [[key === "order_by" ? "7:15" : "7:18", `"${key}" must not be empty`]],
    }),
  ),
  {
    what: "an empty source, said once",
    text: `source: ""\n${withHook("")}`,
    problems: [["1:9", "a source is a URI reference without spaces"]],
  },
  {
    what: "a destination that is not declared",
    text: `destinations: { hex: {} }\n${withHook("destination: hexx")}`,
    problems: [["8:18", 'There is no destination "hexx"', "hex"]],
  },
  {
    what: "an option that the kind does not take",
    text: withHook("", "outputfile: x"),
    problems: [["9:7", 'hooks[0].options has no key "outputfile"', "output_file"]],
  },
  {
    what: "an option in camelCase",
    text: withHook("", "maxLines: 3"),
    problems: [["9:7", 'no key "maxLines"', "max_lines"]],
  },
  {
    what: "options of the wrong type, deep inside too, without their values",
    text: withHook("", "max_lines: many\nparts:\n  - part_name: 5\n  - {}"),
    problems: [
      ["9:18", '"max_lines" must be a number, not text.'],
      ["11:22", '"part_name" must be text, not a number.'],
      ["12:11", '"part_name" is missing in hooks[0].options.parts[1].'],
    ],
  },
  {
    what: "an option that is missing",
    text: `version: 1\nplugins: [${recorder}]\nhooks:\n  - { name: a, kind: recorder, events: "*" }\n`,
    problems: [["4:5", '"output_file" is missing in hooks[0].options. It must be text.']],
  },
  {
    what: "a policy among the options, and an option among the policies",
    text: withHook("output_file: x", "concurrency: 3"),
    problems: [
      ["7:5", 'Write it under "options".'],
      ["10:7", 'Write it beside "options", not in it.'],
    ],
  },
  {
    what: "a reference to the event where nothing is read from it",
    text: withHook("", 'labels: { team: "${pipeline}" }'),
    problems: [["9:24", "${pipeline} is read from the event only in options that are templates"]],
  },
  {
    what: "a variable of the environment written as a field",
    text: withHook("", 'api_token: "${TOKEN}"'),
    problems: [["9:19", "${TOKEN} is read from the event only", "${env:TOKEN}"]],
  },
  {
    what: "a template field that no event has",
    text: withHook("", 'line: "${type} of ${pipline}"'),
    problems: [["9:25", 'An event has no field "pipline"', "${pipeline}"]],
  },
  {
    what: "a field of an error that no error has",
    text: withHook("", 'line: { why: "${error.mesage}" }'),
    problems: [["9:21", 'has no field "mesage"', "${error.message}"]],
  },
  {
    what: "metadata that no event of the routed types can have",
    text: `event_types:
  data.check: { metadata: { type: object, properties: { rows: {} }, additionalProperties: false } }
${withHook("events: [data.check]", 'line: "${metadata.row}"')}`,
    problems: [["11:14", 'No event of "data.check" can have metadata.row.', "${metadata.rows}"]],
  },
  {
    what: "a template that is not closed",
    text: withHook("", 'line: "a ${type"'),
    problems: [["9:16", "A `${` is not closed by `}`"]],
  },
  {
    what: "a template with a path that is none",
    text: withHook("", 'line: "${a b}"'),
    problems: [["9:13", '"a b" is not a path']],
  },
  {
    what: "a variable of the environment that is not set",
    text: withHook("", 'api_token: "Bearer ${env:PIPEHOKS_TOKEN}"'),
    problems: [["9:26", "The environment variable PIPEHOKS_TOKEN is not set"]],
  },
  {
    what: "a secret's file that is not there",
    text: withHook("", 'api_token: "${file:secrets/token}"'),
    problems: [["9:19", "The file secrets/token does not exist"]],
  },
  {
    what: "a value that comes from nowhere that is known",
    text: withHook("", 'api_token: "${vault:kv/token}"'),
    problems: [["9:19", "values come from ${env:NAME} and ${file:path}"]],
  },
  {
    what: "a value from outside that names nothing",
    text: withHook("", 'api_token: "${file:}"'),
    problems: [["9:19", "${file:} names no file"]],
  },
  {
    what: "a reference inside another, which would be taken for text",
    text: withHook("", 'api_token: "${env:A:-${env:B}}"\nline: "${pipeline:-${type}}"'),
    problems: [
      ["9:19", "A ${…} cannot stand inside another"],
      ["10:14", "A ${…} cannot stand inside another"],
    ],
  },
  {
    what: "an event type with a bad name, and one that is built in",
    text: "version: 1\nevent_types:\n  DataCheck: {}\n  pipeline.end: {}\n",
    problems: [
      ["3:3", "not a dotted lower-case name"],
      ["4:3", '"pipeline.end" is built in'],
    ],
  },
  {
    what: "a metadata schema with an unknown type",
    text: "version: 1\nevent_types:\n  a.b:\n    metadata:\n      type: objekt\n",
    problems: [["5:13", "Not a JSON Schema (draft 2020-12): it must be one of", "object"]],
  },
  {
    what: "a metadata schema with an unknown keyword",
    text: "version: 1\nevent_types:\n  a.b:\n    metadata:\n      type: object\n      requierd: [a]\n",
    problems: [["6:7", 'unknown keyword: "requierd"', "required"]],
  },
  {
    what: "a plugin that is not installed",
    text: 'version: 1\nplugins: ["@acme/pipehooks-jira"]\n',
    problems: [["2:11", "Install it: npm install @acme/pipehooks-jira"]],
  },
  {
    what: "a plugin without a name, and a folder",
    text: 'version: 1\nplugins: ["", ./]\n',
    problems: [
      ["2:11", "A plugin has a name"],
      ["2:15", "./ cannot be loaded: it is a folder. Name a file in it."],
    ],
  },
  {
    what: "a plugin's file that is not there",
    text: "version: 1\nplugins: [./hooks/none.ts]\n",
    problems: [["2:11", "./hooks/none.ts cannot be loaded: there is no such file."]],
  },
];

test.for(wrongFiles)("$what is reported with its place", async ({ text, problems }) => {
  expectProblems(await problemsOf(text), problems);
});

test("all problems of a file come at once, in its order, and nothing is given back", async () => {
  const text = withHook("timeout: 30\nretries: 3\nwhen: event.x ==", "max_lines: 0\nline: ${nope}");

  const problems = await problemsOf(text);

  expect(problems.map(({ line }) => line)).toEqual([7, 8, 9, 12, 13]);
});

test("a problem is shown with its file, place, line, a caret under the column, and the suggestion", async () => {
  const error = await loadText(withHook("concurency: 3")).catch((thrown: unknown) => thrown);

  if (!isConfigError(error)) throw error;
  const [problem] = error.problems;
  expect(problem && formatProblem(problem).replace(problem.file, "FILE")).toBe(
    [
      'FILE:7:5: hooks[0] has no key "concurency".',
      "  7 |     concurency: 3",
      "    |     ^",
      "  Did you mean concurrency?",
    ].join("\n"),
  );
  expect(problem).toMatchObject({ path: "hooks[0].concurency", code: "CONFIG_INVALID" });
  expect(error.message).toContain("Did you mean concurrency?");
  expect(error.format()).toMatch(/\n\n1 problem; nothing was started\.$/);
});

test.for([
  [
    "store: { path: x.db }",
    "store: sqlite:PATH or memory:. Default sqlite:.pipehooks/pipehooks.db, relative to the file.",
  ],
  [
    "retention: 30d",
    "retention: How long what is settled is kept. Keys: max_age, dead_max_age, max_events.",
  ],
  [
    "defaults: { retry: 5 }",
    "retry: When a failed attempt is repeated: with waits that grow, and how often. Keys: attempts, base, factor, cap, jitter, max_age.",
  ],
  [withHook("", "parts: x").replace("version: 1\n", ""), "parts: In their order."],
  [withHook("", "parts: [x]").replace("version: 1\n", ""), "parts[0]: Keys: part_name."],
  ["max_event_size: 1 MB", undefined],
] as const)(
  "of a value of a wrong type it is said what its key is for: %s",
  async ([text, help]) => {
    const [problem] = await problemsOf(`version: 1\n${text}`);

    expect(problem?.help).toBe(help);
    expect(problem && formatProblem(problem).endsWith(`^\n  ${help}`)).toBe(help !== undefined);
  },
);

test("the caret stands under its column behind tabs and wide indentation", async () => {
  const [problem] = await problemsOf('version: 1\nsource:\t"a b"\n');

  expect(problem && formatProblem(problem).split("\n").slice(1)).toEqual([
    '  2 | source:\t"a b"',
    "    |        \t^",
  ]);
});

test("a problem inside an anchor is reported where it is written, once", async () => {
  const text = `version: 1
x-policies: &policies { timeout: 30 }
defaults:
  <<: *policies
destinations:
  a: &budget { concurrency: 0 }
  b: *budget
`;

  const problems = await problemsOf(text);

  expect(problems.map(({ line, column }) => `${line}:${column}`)).toEqual(["2:34", "6:29"]);
});

test("aliases that multiply are refused", async () => {
  const levels = Array.from({ length: 9 }, (_, level) => {
    const inner = level === 0 ? "x" : `*l${level - 1}`;
    return `x-${level}: &l${level} [${Array.from({ length: 9 }, () => inner).join(", ")}]`;
  });

  const problems = await problemsOf(`version: 1\n${levels.join("\n")}\n`);

  expect(problems.map(({ message }) => message)).toEqual([
    expect.stringContaining("more than 100000 values"),
  ]);
});
