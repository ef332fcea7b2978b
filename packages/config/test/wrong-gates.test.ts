import { isConfigError, loadConfig } from "@pipehooks/config";
import { expect, test } from "vitest";
import { type ExpectedProblem, expectProblems } from "./expect-problems.ts";
import { folderWith, loadText, problemsOf, withGate, withHook } from "./workspace.ts";

interface Wrong {
  readonly what: string;
  /** The hook's gate, and what else it has: its first line is line 7, without `events` line 6. */
  readonly gate: string;
  readonly options?: string;
  readonly problems: readonly ExpectedProblem[];
}

const wrongGates: readonly Wrong[] = [
  {
    what: "an unknown key of a gate",
    gate: "debounce: { wait: 30s, max_wate: 5m }",
    problems: [["7:28", 'hooks[0].debounce has no key "max_wate"', "max_wait"]],
  },
  {
    what: "a key of a gate in camelCase",
    gate: "debounce: { wait: 30s, maxWait: 5m }",
    problems: [["7:28", 'no key "maxWait"', "max_wait"]],
  },
  {
    what: "an unknown key in an input",
    gate: "join:\n  all_of:\n    - { name: a, events: pipeline.end }\n    - { name: b, event: pipeline.end }",
    problems: [
      ["9:11", '"events" is missing in hooks[0].join.all_of[1]'],
      ["9:22", 'hooks[0].join.all_of[1] has no key "event"', "events"],
    ],
  },
  {
    what: "a gate that lacks what it needs",
    gate: "threshold: { count: 3 }",
    problems: [["7:5", '"within" is missing in hooks[0].threshold. It must be a duration']],
  },
  {
    what: "a gate that is a text",
    gate: "debounce: 30s",
    problems: [["7:15", '"debounce" must be keys and values, not "30s"']],
  },
  {
    what: "a duration without a unit",
    gate: "debounce: { wait: 30 }",
    problems: [["7:23", 'must be a duration such as "30s", not the number 30', "30s"]],
  },
  {
    what: "a wait of nothing",
    gate: "debounce: { wait: 0s }",
    problems: [["7:23", '"wait": this duration must be at least 1ms']],
  },
  {
    what: "a reminder that is no duration, in its list",
    gate: "events: pipeline.error\nalert: { resolve_on: pipeline.end, remind: [4h, tomorrow, 8h] }",
    problems: [["7:53", "a duration is a number with ms, s, m, h or d"]],
  },
  {
    what: "reminders that go back",
    gate: "events: pipeline.error\nalert: { resolve_on: pipeline.end, remind: [4h, 2h] }",
    problems: [["7:53", "it is not later than the one before"]],
  },
  {
    what: "a word that is none of the choices",
    gate: "join: { all_of: [{ name: a, events: pipeline.end }], on_deadline: fire-partial, within: 1h }",
    problems: [["6:71", '"on_deadline" must be drop, fire_partial or emit', "fire_partial"]],
  },
  {
    what: "a count out of its range",
    gate: "threshold: { count: 0, within: 1h }",
    problems: [["7:25", '"count" must be at least 1, not the number 0']],
  },
  {
    what: "a digest without a period",
    gate: "digest: { max: 3 }",
    problems: [["7:5", '"digest": it does not say how long a period is. Give one of every, cron']],
  },
  {
    what: "a digest with two periods",
    gate: 'digest: { every: 5m, cron: "0 8 * * *" }',
    problems: [["7:32", '"cron": every says how long a period is already']],
  },
  {
    what: "a schedule that cannot be read",
    gate: 'digest: { cron: "0 25 * * *" }',
    problems: [["7:21", 'Schedule "0 25 * * *" in time zone "UTC" cannot be read']],
  },
  {
    what: "a time zone that is none",
    gate: 'absence: { expect: pipeline.end, at: "06:00", time_zone: Paris }',
    problems: [["6:62", '"Paris" is not a time zone. Write an IANA name']],
  },
  {
    what: "a time of day that is none",
    gate: 'absence: { expect: pipeline.end, at: "6am" }',
    problems: [["6:42", 'a time of day is HH:MM, such as "06:00"']],
  },
  {
    what: "days that are none",
    gate: 'absence: { expect: pipeline.end, at: "06:00", days: weekdays }',
    problems: [["6:57", '"weekdays" is not a day']],
  },
  {
    what: "a key that has no effect",
    gate: "absence: { expect: pipeline.end, every: 1h, for: [orders] }",
    problems: [["6:49", '"for": it has no effect without by']],
  },
  {
    what: "two inputs of one name",
    gate: "join: { any_of: [{ name: a, events: pipeline.end }, { name: a, events: pipeline.error }] }",
    problems: [["6:65", 'another input is named "a", too']],
  },
  {
    what: "a condition that cannot be read, at its character",
    gate: "digest: { every: 5m, flush_when: 'event.pipeline === 1' }",
    problems: [["7:54", 'Condition "event.pipeline === 1"', "=="]],
  },
  {
    what: "conditions of an input and of failures",
    gate: "join:\n  fail_when: 1 + 1\n  all_of: [{ name: a, events: pipeline.end, when: evnt.x }]",
    problems: [
      ["7:18", "a condition must give true or false"],
      ["8:55", "Unknown variable: evnt", "event"],
    ],
  },
  {
    what: "conditions of an absence and of an alert",
    gate: "absence: { expect: pipeline.end, every: 1h, when: event.x = }",
    problems: [["6:63", 'Condition "event.x ="', "=="]],
  },
  {
    what: "a condition of an alert",
    gate: "alert: { resolve_on: pipeline.end, open_when: event.x == }",
    problems: [["7:61", 'Condition "event.x =="']],
  },
  {
    what: "a glob that cannot be read",
    gate: 'threshold: { count: 2, within: 1h, reset_on: "pipeline.{end" }',
    problems: [["7:50", '"pipeline.{end" is not a glob: a brace is not closed']],
  },
  {
    what: "types that nobody declares, wherever a gate names some",
    gate: "absence: { expect: [pipeline.ended], after: { events: pipeline.strat, within: 1h } }",
    problems: [
      ["6:25", 'No event type is called "pipeline.ended"', "pipeline.end"],
      ["6:59", 'No event type is called "pipeline.strat"', "pipeline.start"],
    ],
  },
  {
    what: "an unknown type of an input",
    gate: "join: { all_of: [{ name: a, events: [pipeline.end, pipline.error] }] }",
    problems: [["6:56", 'No event type is called "pipline.error"', "pipeline.error"]],
  },
  {
    what: "an unknown type that resets, and one that resolves",
    gate: "threshold: { count: 2, within: 1h, reset_on: pipeline.ent }",
    problems: [["7:50", 'No event type is called "pipeline.ent"', "pipeline.end"]],
  },
  {
    what: "an unknown type that resolves",
    gate: "events: '*.error'\nalert: { resolve_on: [pipeline.end, pipeline.done] }",
    problems: [["7:41", 'No event type is called "pipeline.done"', "pipeline.end"]],
  },
  {
    what: "an input that the hook's own events leave out",
    gate: "events: pipeline.end\njoin: { all_of: [{ name: a, events: pipeline.end }, { name: b, events: table.created }] }",
    problems: [["7:76", `No event of input "b" comes here: the hook's "events" do not take`]],
  },
  {
    what: "a key by a field that events do not have",
    gate: "debounce: { by: [pipeline, pipelin], wait: 1s }",
    problems: [["7:32", 'An event has no field "pipelin"', "pipeline"]],
  },
  {
    what: "a key by an expression that cannot be read, at its character",
    gate: "debounce: { by: 'event.pipeline + + 1', wait: 1s }",
    problems: [["7:39", 'Expression "event.pipeline + + 1"']],
  },
  {
    what: "a distinct field that events do not have",
    gate: "threshold: { count: 2, within: 1h, distinct: error.codes }",
    problems: [["7:50", 'An event\'s error has no field "codes"', "error.code"]],
  },
  {
    what: "a gate among the options",
    gate: "events: '*'",
    options: "debounce: { wait: 1s }",
    problems: [["9:7", 'Write it beside "options", not in it.']],
  },
  {
    what: "an incident in a template of a hook that has another gate",
    gate: "digest: { every: 5m }",
    options: 'line: "${alert.state}"',
    problems: [["10:14", 'hooks with the gate "alert", and this hook has the gate "digest"']],
  },
  {
    what: "a field of an incident that it does not have",
    gate: "events: '*.error'\nalert: { resolve_on: pipeline.end }",
    options: 'line: "${alert.stat}"',
    problems: [["10:14", '"alert" has no "stat"', "${alert.state}"]],
  },
  {
    what: "what only a join says, of a digest",
    gate: "digest: { every: 5m }",
    options: 'line: "${gate.missing}"',
    problems: [["10:14", '"gate.missing" is there only for the gate "join"']],
  },
  {
    what: "an input that a join does not have",
    gate: "join: { all_of: [{ name: orders, events: pipeline.end }] }",
    options: 'line: "${gate.inputs.order.count}"',
    problems: [["9:14", '"gate.inputs" has no "order"', "${gate.inputs.orders}"]],
  },
  {
    what: "a field of the first event, and of one of them, that no event has",
    gate: "digest: { every: 5m }",
    options: 'line: "${first.pipline} ${events.0.error.mesage} ${events.type}"',
    problems: [
      ["10:14", 'An event has no field "pipline"', "${first.pipeline}"],
      ["10:31", 'has no field "mesage"', "${events.0.error.message}"],
      ["10:56", '"events" is a list and has no "type"'],
    ],
  },
  {
    what: "a summary that there is none of, and a name with a dot in one",
    gate: "digest: { every: 5m }",
    options: 'line: "${group_summary.type} ${group_summary.types.pipeline.end}"',
    problems: [
      ["10:14", '"group_summary" has no "type"', "${group_summary.types}"],
      ["10:36", "A name with a dot cannot be read by a path"],
    ],
  },
  {
    what: "what the event of an absence does not carry",
    gate: "absence: { expect: pipeline.end, every: 1h, by: table }",
    options: 'line: "${table} ${pipeline} ${metadata.expected}"',
    problems: [
      ["9:23", 'No event of "pipehooks.absence.missed" has a pipeline'],
      [
        "9:35",
        'No event of "pipehooks.absence.missed" can have metadata.expected',
        "${metadata.expect}",
      ],
    ],
  },
];

test.for(wrongGates)("$what is reported with its place", async ({ gate, options, problems }) => {
  expectProblems(await problemsOf(withGate(gate, options)), problems);
});

test("two gates on one hook are one too many", async () => {
  const problems = await problemsOf(
    withGate("debounce: { wait: 1s }\nthreshold: { count: 3, within: 1h }"),
  );

  expectProblems(problems, [["8:5", "A hook has one gate at most, and this one has debounce"]]);
});

test.for(["debounce: { wait: 1s }", "alert: { resolve_on: pipeline.end }"])(
  "a hook with %s needs events",
  async (gate) => {
    const text = withHook(gate).replace('    events: ["*"]\n', "");

    expectProblems(await problemsOf(text), [
      ["4:5", '"events" is missing in hooks[0]. It must be a list or text.'],
    ]);
  },
);

test("a gate among the defaults belongs to a hook", async () => {
  const text = `defaults: { debounce: { wait: 1s } }\n${withHook()}`;

  expectProblems(await problemsOf(text), [
    ["1:13", 'defaults has no key "debounce". A gate belongs to one hook: write it there.'],
  ]);
});

const declared = `event_types:
  load.end: { metadata: { type: object, properties: { date: {} }, additionalProperties: false } }
  load.other: { metadata: { type: object, properties: { dates: {} }, additionalProperties: false } }
`;

test("a key that no event can have is found by the schemas of its types, each input by itself", async () => {
  const join = `join:
  by: metadata.date
  all_of: [{ name: a, events: load.end }, { name: b, events: load.other }]`;

  const problems = await problemsOf(`${declared}${withGate(join)}`);

  expectProblems(problems, [
    [
      "10:11",
      'No event of "load.other" can have metadata.date. They are those of input "b".',
      "metadata.dates",
    ],
  ]);
});

test("templates read metadata of what the gate lets through, by the schemas of its types", async () => {
  const alert = "events: load.end\nalert: { open_when: true, resolve_on: load.other }";
  const threshold = "events: load.end\nthreshold: { count: 2, within: 1h, reset_on: load.other }";
  const line = 'line: "${first.metadata.dates}"';

  const right = await problemsOf(`${declared}${withGate(alert, line)}`);
  const wrong = await problemsOf(`${declared}${withGate(threshold, line)}`);

  expect(right).toEqual([]);
  // What resets is not delivered.
  expectProblems(wrong, [
    ["13:14", 'No event of "load.end" can have metadata.dates.', "${first.metadata.date}"],
  ]);
});

test("an alert that nothing opens is doubtful", async () => {
  const { warnings } = await loadText(
    withGate("events: pipeline.start\nalert: { resolve_on: pipeline.end }"),
  );

  expectProblems(warnings, [["7:5", 'no type of the hook\'s "events" ends with ".error"']]);
});

test("without a gate templates read what there is of one event, and no gate", async () => {
  const line = 'line: "${count} ${key} ${first.type} ${events} ${group_summary.severities}"';

  expect(await problemsOf(withHook("", line))).toEqual([]);
  expectProblems(await problemsOf(withHook("", 'line: "${gate.reason} ${alert.state}"')), [
    ["9:14", "hooks with a gate, and this hook has none"],
    ["9:29", 'hooks with the gate "alert", and this hook has no gate'],
  ]);
});

test("a field that is written as in a condition is told without event", async () => {
  expectProblems(await problemsOf(withHook("", 'line: "${event.pipeline}"')), [
    ["9:14", "In templates the fields of the event are named alone", "${pipeline}"],
  ]);
});

test("in code every mistake comes with its path", async () => {
  const folder = folderWith({
    "pipehooks.config.ts": `const hook = () => {};
export default {
  defaults: { digest: { every: "5m" } },
  hooks: [
    { name: "a", hook, events: "*", debounce: { by: 5, wait: "soon", max_wait: "5m" } },
    { name: "b", hook, digest: { flushWhen: "event.x ==" } },
    { name: "c", hook, join: { allOf: [{ name: "a", events: ["pipeline.ended"], wen: 1 }] } },
    { name: "d", hook, absence: { expect: "pipeline.end", every: "1h", by: "pipelin" }, alert: { resolveOn: "*" } },
  ],
};
`,
  });

  const error = await loadConfig({ cwd: folder }).catch((thrown: unknown) => thrown);

  if (!isConfigError(error)) throw error;
  const found = error.problems.map(({ path, suggestion }) =>
    suggestion === undefined ? path : `${path}: ${suggestion}`,
  );
  expect(found.sort()).toEqual(
    [
      "defaults.digest",
      "hooks[0].debounce.by",
      "hooks[0].debounce.wait",
      "hooks[0].debounce.max_wait: maxWait",
      "hooks[1].digest",
      "hooks[1].digest.flushWhen",
      "hooks[1].events",
      "hooks[2].join.allOf[0].events[0]: pipeline.end",
      "hooks[2].join.allOf[0].wen: when",
      "hooks[3].absence.by: pipeline",
      "hooks[3].alert",
    ].sort(),
  );
});
