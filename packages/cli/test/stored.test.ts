import { createHttpReceiver } from "@pipehooks/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createFolder, type Folder, linesOf, webhookTo } from "./command.ts";

/** Five events in the store: two delivered, two dead, one that waits for its second attempt. */
async function fill(folder: Folder): Promise<void> {
  const line = (type: string, pipeline: string, id: string) =>
    JSON.stringify({ type, pipeline, id });
  const input = [
    line("pipeline.start", "prod_orders", "good-1"),
    line("pipeline.end", "prod_orders", "good-2"),
    line("pipeline.error", "prod_orders", "dead-1"),
    line("pipeline.end", "dev_users", "dead-2"),
    line("table.created", "dev_users", "later-1"),
  ].join("\n");
  await folder.run(["emit", "--stdin"], { input });
  await folder.run(["deliver"]);
}

function receive(): ReturnType<typeof createHttpReceiver> {
  return createHttpReceiver({
    respond: ({ text }) => (text.includes("dead-") ? 400 : text.includes("later-") ? 500 : 200),
  });
}

/** Filled once for the tests that only look. */
let shared: Folder;
const taken: AsyncDisposable[] = [];

beforeAll(async () => {
  const receiver = await receive();
  shared = await createFolder(patient(receiver.url));
  taken.push(receiver, shared);
  await fill(shared);
});

afterAll(async () => {
  for (const each of taken) await each[Symbol.asyncDispose]();
});

const patient = (url: string) => webhookTo(url).replace("base: 100ms", "base: 10m");
const idsOf = (rows: readonly Record<string, unknown>[]) => rows.map(({ id }) => id);

test.concurrent("events lists newest first, by type, pipeline, time and number", async () => {
  const table = await shared.run(["events"]);
  const list = async (...args: string[]) => idsOf(await shared.json(["events", ...args]));

  expect(linesOf(table.stdout)).toHaveLength(6);
  expect(linesOf(table.stdout)[0]).toMatch(/^ACCEPTED +ID +TYPE +PIPELINE$/);
  expect(linesOf(table.stdout)[1]).toMatch(
    /^(?:now|[\d.]+ m?s ago) +later-1 +table\.created +dev_users$/,
  );
  const lists = await Promise.all([
    list("--limit", "2"),
    list("--type", "pipeline.end"),
    list("--type", "pipeline.{start,error}"),
    list("--pipeline", "dev_*"),
    list("--pipeline", "prod_orders", "--type", "pipeline.end"),
    list("--since", "1h"),
    list("--until", "1h"),
    list("--since", "2020-01-01", "--until", "2020-01-02T00:00:00Z"),
  ]);
  expect(lists).toEqual([
    ["later-1", "dead-2"],
    ["dead-2", "good-2"],
    ["dead-1", "good-1"],
    ["later-1", "dead-2"],
    ["good-2"],
    ["later-1", "dead-2", "dead-1", "good-2", "good-1"],
    [],
    [],
  ]);
});

test.concurrent("deliveries lists newest first, by state, hook, type, time and number", async () => {
  const table = await shared.run(["deliveries"]);
  const list = async (...args: string[]) => idsOf(await shared.json(["deliveries", ...args]));

  expect(linesOf(table.stdout)[0]).toMatch(
    /^ACCEPTED +ID +HOOK +STATE +EVENT TYPE +EVENT +TRIES +NEXT +REASON$/,
  );
  expect(linesOf(table.stdout)[1]).toMatch(
    /dlv_5 +ops +retrying +table\.created +later-1 +1 +in (?:10|9) m.* +ops: .*answered 500/,
  );
  const lists = await Promise.all([
    list("--state", "dead"),
    list("--state", "dead,retrying"),
    list("--state", "delivered", "--limit", "1"),
    list("--type", "pipeline.*", "--state", "dead", "delivered"),
    list("--hook", "ops", "--since", "1h"),
    list("--until", "1h"),
  ]);
  expect(lists).toEqual([
    ["dlv_4", "dlv_3"],
    ["dlv_5", "dlv_4", "dlv_3"],
    ["dlv_2"],
    ["dlv_4", "dlv_3", "dlv_2", "dlv_1"],
    ["dlv_5", "dlv_4", "dlv_3", "dlv_2", "dlv_1"],
    [],
  ]);
  for (const command of ["deliveries", "replay", "cancel"]) {
    const nobody = await shared.run([command, "--hook", "osp"]);
    expect(nobody.status).toBe(0);
    expect(nobody.stderr).toContain('No hook "osp" is configured. Did you mean "ops"?');
  }
});

test.concurrent("show tells an event, its deliveries and each answer, by either id", async () => {
  const text = await shared.run(["show", "dead-1"]);
  const [byEvent] = await shared.json(["show", "dead-1"]);
  const [byDelivery] = await shared.json(["show", "dlv_3"]);
  const unknown = await shared.run(["show", "dlv_99"]);

  expect(text.stdout).toContain('"id": "dead-1"');
  expect(text.stdout).toMatch(/dlv_3 {2}ops {2}dead/);
  expect(text.stdout).toMatch(
    /attempt 1 .*dead .*RECEIVER_REFUSED\n.*answered 400.*\n.*"status":400/,
  );
  expect(byEvent).toMatchObject({
    event: { id: "dead-1", type: "pipeline.error" },
    deliveries: [
      {
        id: "dlv_3",
        state: "dead",
        attempts: 1,
        history: [
          { number: 1, outcome: "dead", code: "RECEIVER_REFUSED", answer: { status: 400 } },
        ],
      },
    ],
  });
  expect(byDelivery).toEqual(byEvent);
  expect(unknown.status).toBe(1);
  expect(unknown.stderr).toContain("no event and no delivery dlv_99");
});

test("explain, replay and cancel take a webhook-id for its delivery alone", async () => {
  await using receiver = await receive();
  const yaml = webhookTo(receiver.url);
  await using folder = await createFolder(
    `${yaml}${yaml.slice(yaml.indexOf("  - name:")).replace("name: ops", "name: two")}`,
  );
  await folder.run(["emit", "pipeline.end", "--wait"]);
  const [first] = receiver.requests;
  const key = String(first?.headers["webhook-id"]);

  const explained = await folder.json<{ readonly hooks: readonly { readonly hook: string }[] }>([
    "explain",
    key,
  ]);
  const replayed = await folder.run(["replay", key]);
  const cancelled = await folder.run(["cancel", key]);
  const unknown = await folder.run([
    "replay",
    `${key.slice(0, -1)}${key.endsWith("0") ? "1" : "0"}`,
  ]);

  expect(explained[0]?.hooks).toHaveLength(1);
  expect(replayed.stdout).toMatch(/^1 delivery replayed/);
  expect(cancelled.stdout).toMatch(/^1 delivery cancelled: dlv_\d\n/);
  expect(unknown).toMatchObject({ status: 1 });
});

test("show finds an event by the webhook-id that its receiver was sent", async () => {
  await using receiver = await receive();
  await using folder = await createFolder(patient(receiver.url));
  await fill(folder);
  const sent = receiver.requests.find(({ text }) => text.includes("good-2"));

  const shown = await folder.json(["show", String(sent?.headers["webhook-id"])]);

  expect(shown).toMatchObject([{ event: { id: "good-2" } }]);
});

test.concurrent("replay --dry-run lists what would be replayed and changes nothing", async () => {
  const dry = await shared.run(["replay", "--state", "dead", "--dry-run"]);
  const listed = await shared.json(["replay", "--hook", "ops", "--dry-run"]);

  expect(dry.status).toBe(0);
  expect(linesOf(dry.stdout)).toHaveLength(3);
  expect(dry.stderr).toContain("2 deliveries would be replayed.");
  expect(idsOf(listed)).toEqual(["dlv_3", "dlv_4"]);
  expect(await shared.json(["deliveries", "--state", "dead"])).toHaveLength(2);
});

test.concurrent("replay makes dead deliveries due again, and the next deliverer sends them", async () => {
  await using receiver = await receive();
  await using folder = await createFolder(patient(receiver.url));
  await fill(folder);
  receiver.respond(200);

  const replayed = await folder.run([
    "replay",
    "--state",
    "dead",
    "--since",
    "1h",
    "--until",
    "2100-01-01",
  ]);
  const waiting = await folder.json(["deliveries", "--state", "waiting"]);
  const delivered = await folder.run(["deliver"]);

  expect(replayed.stdout).toContain("2 deliveries replayed");
  expect(replayed.status).toBe(0);
  expect(waiting).toHaveLength(2);
  expect(delivered.stdout).toMatch(/^2 delivered/);
});

test.concurrent("replay takes ids of deliveries and events, narrowed by the filters, and says what is unknown", async () => {
  await using receiver = await receive();
  await using folder = await createFolder(patient(receiver.url));
  await fill(folder);

  const [both] = await folder.json(["replay", "dlv_3", "good-1"]);
  const mixed = await folder.run([
    "replay",
    "good-2",
    "nobody",
    "later-1",
    "--hook",
    "ops",
    "--json",
  ]);
  const narrowed = await folder.run(["replay", "dead-2", "--state", "delivered"]);

  expect(both).toEqual({ replayed: ["dlv_1", "dlv_3"] });
  expect(mixed.status).toBe(1);
  expect(JSON.parse(mixed.stdout)).toEqual({ replayed: ["dlv_2"] });
  expect(mixed.stderr).toContain("nobody: there is no such delivery or event");
  expect(mixed.stderr).toContain("later-1: nothing of it can be replayed (dlv_5 is retrying)");
  expect(narrowed.status).toBe(1);
  expect(narrowed.stderr).toContain("dlv_4 is dead");
});

test.concurrent("replay --wait delivers and ends with 1 when one dies again", async () => {
  await using receiver = await receive();
  await using folder = await createFolder(patient(receiver.url));
  await fill(folder);

  const again = await folder.run(["replay", "dlv_3", "--wait"]);
  receiver.respond(200);
  const well = await folder.run(["replay", "--state", "dead", "--wait", "--json"]);

  expect(again.status).toBe(1);
  expect(again.stderr).toContain("1 dead.");
  expect(well.status).toBe(0);
  expect(JSON.parse(well.stdout)).toMatchObject({
    replayed: ["dlv_3", "dlv_4"],
    deliveries: [
      { id: "dlv_3", state: "delivered" },
      { id: "dlv_4", state: "delivered" },
    ],
  });
});

test.concurrent("replay --rate spaces them out", async () => {
  await using receiver = await receive();
  await using folder = await createFolder(patient(receiver.url));
  await fill(folder);
  receiver.respond(200);
  const before = receiver.requests.length;

  const replayed = await folder.run([
    "replay",
    "--state",
    "dead,delivered",
    "--rate",
    "1/400ms",
    "--wait",
  ]);

  const times = receiver.requests.slice(before).map(({ at }) => at);
  expect(replayed.stdout).toContain("4 deliveries replayed");
  expect(times).toHaveLength(4);
  expect((times.at(-1) ?? 0) - (times[0] ?? 0)).toBeGreaterThan(600);
});

test.concurrent("cancel ends what is not settled, and says what it could not", async () => {
  await using receiver = await receive();
  await using folder = await createFolder(patient(receiver.url));
  await fill(folder);

  const cancelled = await folder.run(["cancel", "later-1"]);
  const again = await folder.run(["cancel", "dlv_5", "nobody", "--json"]);

  expect(cancelled).toMatchObject({ status: 0, stdout: "1 delivery cancelled: dlv_5\n" });
  expect(again.status).toBe(1);
  expect(JSON.parse(again.stdout)).toEqual({ cancelled: [] });
  expect(again.stderr).toContain("dlv_5: there is nothing to cancel (dlv_5 is cancelled)");
  expect(again.stderr).toContain("nobody: there is no such delivery or event");
  expect(await folder.json(["deliveries", "--state", "cancelled"])).toHaveLength(1);
});

test.concurrent("a delivery that is named by its id and by that of its event is meant once", async () => {
  await using receiver = await receive();
  await using folder = await createFolder(patient(receiver.url));
  await fill(folder);

  const cancelled = await folder.run(["cancel", "dlv_5", "later-1"]);
  const replayed = await folder.run(["replay", "dlv_5", "later-1"]);

  expect(cancelled).toMatchObject({ status: 0, stdout: "1 delivery cancelled: dlv_5\n" });
  expect(replayed.status).toBe(0);
  expect(replayed.stdout).toMatch(/^1 delivery replayed;/);
});

test.concurrent("cancel --hook ends all that waits for a hook that is not configured any more, and nothing else", async () => {
  await using receiver = await receive();
  const yaml = patient(receiver.url);
  await using folder = await createFolder(yaml);
  await fill(folder);
  await folder.write("pipehooks.yaml", yaml.replace("name: ops", "name: renamed"));
  await folder.run(["emit", "pipeline.end"]);
  const waiting = async (hook: string) =>
    (await folder.json(["deliveries", "--state", "waiting,retrying", "--hook", hook])).length;
  const before = await waiting("ops");

  const warned = await folder.run(["deliver", "--for", "0s"]);
  const dry = await folder.run(["cancel", "--hook", "ops", "--dry-run"]);
  const left = await waiting("ops");
  const other = await folder.run(["cancel", "--hook", "ops", "--until", "1d"]);
  const done = await folder.run(["cancel", "--hook", "ops"]);
  const again = await folder.run(["cancel", "--hook", "ops", "--json"]);

  expect(warned.stderr).toContain('"pipehooks cancel --hook ops" would end');
  expect(before).toBeGreaterThan(0);
  expect(dry.stderr).toContain(`${before} deliver`);
  expect([dry.status, left]).toEqual([0, before]);
  expect(other.stdout).toBe("0 deliveries cancelled\n");
  expect(done.stdout).toBe(`${before} ${before === 1 ? "delivery" : "deliveries"} cancelled\n`);
  expect(await waiting("ops")).toBe(0);
  expect(JSON.parse(again.stdout)).toEqual({ cancelled: [] });
  expect(again.status).toBe(0);
});

test.concurrent.for([
  [["events", "--since", "yesterday"], "Give a duration back from now"],
  [["events", "--limit", "0"], "whole number from 1"],
  [["deliveries", "--state", "daed"], 'no state "daed"'],
  [["replay"], "Name what to replay"],
  [["replay", "--state", "retrying"], "is not settled"],
  [["replay", "dlv_1", "--rate", "fast"], "COUNT/DURATION"],
  [["show"], "missing required argument 'id'"],
  [["cancel"], "Name what to cancel"],
  [["cancel", "--state", "dead"], "What is dead is settled already"],
] as const)("%j is refused with 2", async ([args, message]) => {
  await using folder = await createFolder(webhookTo("http://127.0.0.1:9/"));

  const refused = await folder.run(args);

  expect(refused.stderr).toContain(message);
  expect(refused.status).toBe(2);
});

test.concurrent("an empty store is no failure", async () => {
  await using folder = await createFolder(webhookTo("http://127.0.0.1:9/"));

  const [events, deliveries] = await Promise.all([
    folder.run(["events"]),
    folder.run(["deliveries"]),
  ]);

  expect(events).toMatchObject({ status: 0, stdout: "", stderr: "No events.\n" });
  expect(deliveries).toMatchObject({ status: 0, stdout: "", stderr: "No deliveries.\n" });
});

test.concurrent("deliveries says what holds them back: the budget of their destination, or a hook that is off", async () => {
  await using receiver = await receive();
  const limited = webhookTo(receiver.url, "    rate_limit: [1/1h]\n");
  await using folder = await createFolder(limited);
  await folder.run(["emit", "--stdin"], {
    input: '{"type":"pipeline.end"}\n{"type":"pipeline.end"}',
  });
  const done = await folder.run(["deliver"]);

  const [waiting] = await folder.json(["deliveries", "--state", "waiting"]);
  const table = await folder.run(["deliveries", "--state", "waiting"], { env: { COLUMNS: "300" } });
  await folder.run(["disable", "ops"]);
  const [off] = await folder.json(["deliveries", "--state", "waiting"]);

  expect(waiting).toMatchObject({
    heldBack: {
      because: expect.stringContaining("rate budget used up"),
      until: expect.stringMatching(/^\d{4}-.*Z$/),
    },
  });
  expect(table.stdout).toMatch(/ in \d.* \S+ rate budget used up/);
  expect(done.stdout).toMatch(/1 waiting.*next due in \d/);
  expect(off).toMatchObject({ heldBack: { because: expect.stringContaining("disabled") } });
});
