import { createHttpReceiver } from "@pipehooks/testing";
import { expect, test } from "vitest";
import { createFolder, linesOf, webhookTo } from "./command.ts";

const events = (count: number) => '{"type":"pipeline.end"}\n'.repeat(count);

test.concurrent("deliver sends what is due now, and leaves what failed for its next time", async () => {
  await using receiver = await createHttpReceiver({ respond: [500, 200] });
  const yaml = webhookTo(receiver.url).replace("base: 100ms", "base: 10m");
  await using folder = await createFolder(yaml);
  await folder.run(["emit", "--stdin"], { input: events(3) });

  const delivered = await folder.run(["deliver"]);

  expect(delivered.stdout).toMatch(/^2 delivered, 1 retrying, 0 dead; next due in 10 m\n$/);
  expect(delivered.status).toBe(0);
});

test.concurrent("deliver --for stays while something is due within that time", async () => {
  await using receiver = await createHttpReceiver({ respond: [500, 200] });
  await using folder = await createFolder(webhookTo(receiver.url));
  await folder.run(["emit", "pipeline.end"]);

  const delivered = await folder.run(["deliver", "--for", "5s", "--json"]);

  expect(JSON.parse(delivered.stdout)).toEqual({
    delivered: 1,
    skipped: 0,
    dead: 0,
    retrying: 0,
    pending: 0,
    waiting: 0,
  });
  expect(receiver.requests).toHaveLength(2);
});

test.concurrent("a delivery that dies makes deliver end with 1 and is named; --verbose names all", async () => {
  await using receiver = await createHttpReceiver({
    respond: ({ text }) => (text.includes("pipeline.error") ? 400 : 200),
  });
  await using folder = await createFolder(webhookTo(receiver.url));
  await folder.run(["emit", "pipeline.end"]);
  await folder.run(["emit", "pipeline.error"]);

  const delivered = await folder.run(["deliver"]);
  await folder.run(["emit", "pipeline.end"]);
  const verbose = await folder.run(["deliver", "--verbose"]);

  expect(delivered.status).toBe(1);
  expect(delivered.stdout).toBe("1 delivered, 0 retrying, 1 dead\n");
  expect(linesOf(delivered.stderr)).toHaveLength(1);
  expect(delivered.stderr).toMatch(/ops {2}pipeline\.error {2}dlv_2 {2}attempt 1 {2}dead {2}400/);
  expect(verbose.stderr).toMatch(/dlv_3 {2}attempt 1 {2}delivered/);
});

test.concurrent("deliver says which hook delivers nothing because it is off", async () => {
  await using folder = await createFolder(webhookTo("http://127.0.0.1:9/"));
  await folder.run(["emit", "pipeline.end"]);
  await folder.run(["disable", "ops", "--because", "maintenance"]);

  const delivered = await folder.run(["deliver"]);

  expect(delivered.stdout).toBe("0 delivered, 0 retrying, 1 waiting, 0 dead\n");
  expect(delivered.stderr).toContain('Hook "ops" delivers nothing: maintenance');
});

test.concurrent("deliver --follow delivers what comes, a line an attempt, until SIGTERM, and ends with 0", async () => {
  await using receiver = await createHttpReceiver({ respond: [500, 200] });
  await using folder = await createFolder(webhookTo(receiver.url));
  const following = folder.start(["deliver", "--follow"]);
  await following.said(/Following sqlite:/);
  await folder.run(["emit", "pipeline.end"]);
  await receiver.received(2);
  await following.said(/attempt 2/);

  following.child.kill("SIGTERM");
  const { status, stdout, stderr } = await following.ended;

  expect(status).toBe(0);
  expect(stdout).toBe("");
  expect(stderr).toMatch(
    /^\d\d:\d\d:\d\dZ {2}ops {2}pipeline\.end {2}dlv_1 {2}attempt 1 {2}retry {2}500 {2}took [\d.]+ m?s {2}next (?:now|in [\d.]+ m?s) {2}ops: /m,
  );
  expect(stderr).toMatch(/attempt 2 {2}delivered {2}200/);
  expect(stderr).toContain("Stopped: 1 delivered, 1 failed attempt, 0 dead.");
});

test.concurrent("deliver --follow --json prints Pipehooks' own events, one a line", async () => {
  await using receiver = await createHttpReceiver({ respond: 410 });
  await using folder = await createFolder(webhookTo(receiver.url));
  const following = folder.start(["deliver", "--follow", "--json"]);
  await following.said(/Following/);
  await folder.run(["emit", "pipeline.end", "--id", "e1"]);
  await following.said(/hook\.disabled/);

  following.child.kill("SIGINT");
  const { stdout, status } = await following.ended;

  const lines = linesOf(stdout).map((line) => JSON.parse(line));
  expect(lines[0]).toMatchObject({
    type: "pipehooks.delivery.attempted",
    metadata: {
      delivery: "dlv_1",
      hook: "ops",
      event: "e1",
      attempt: 1,
      outcome: "dead",
      status: 410,
    },
  });
  expect(lines.map(({ type }) => type)).toContain("pipehooks.hook.disabled");
  expect(status).toBe(0);
});

test.concurrent.for(["SIGTERM", "SIGHUP"] as const)(
  "%s lets a running attempt end and starts no new one, whatever waits",
  async (signal, { expect }) => {
    const begun = Promise.withResolvers<void>();
    const answer = Promise.withResolvers<void>();
    await using receiver = await createHttpReceiver({
      respond: async () => {
        begun.resolve();
        await answer.promise;
        return 200;
      },
    });
    await using folder = await createFolder(webhookTo(receiver.url, "    concurrency: 2\n"));
    await folder.run(["emit", "--stdin"], { input: events(50) });
    const following = folder.start(["deliver", "--follow"]);
    await begun.promise;

    following.child.kill(signal);
    await following.said(/Stopping/);
    answer.resolve();
    const { status } = await following.ended;
    const sent = receiver.requests.length;
    const counts = (await folder.json<{ counts: object }>(["hooks"]))[0]?.counts;
    const rest = await folder.run(["deliver"]);

    expect(status).toBe(0);
    expect(sent).toBeLessThanOrEqual(2);
    expect(counts).toMatchObject({ delivered: sent });
    expect(rest.stdout).toContain(`${50 - sent} delivered`);
    expect(new Set(receiver.requests.map(({ headers }) => headers["webhook-id"])).size).toBe(50);
    expect(receiver.requests).toHaveLength(50);
  },
);

test.concurrent("a second signal stops at once", async () => {
  await using receiver = await createHttpReceiver({ respond: "never" });
  await using folder = await createFolder(webhookTo(receiver.url));
  await folder.run(["emit", "pipeline.end"]);
  const following = folder.start(["deliver", "--follow"]);
  await receiver.received(1);
  following.child.kill("SIGINT");
  await following.said(/Stopping/);

  const at = performance.now();
  following.child.kill("SIGINT");
  const { status } = await following.ended;

  expect(performance.now() - at).toBeLessThan(3000);
  expect(status).toBe(130);
});

test.concurrent("a follower killed with SIGKILL loses nothing: the next one delivers, under the same webhook-id", async () => {
  await using receiver = await createHttpReceiver({ respond: "never" });
  await using folder = await createFolder(webhookTo(receiver.url));
  await folder.run(["emit", "pipeline.end"]);
  const first = folder.start(["deliver", "--follow"]);
  await receiver.received(1);
  first.child.kill("SIGKILL");
  await first.ended;
  receiver.respond(200);

  const second = folder.start(["deliver", "--follow"]);
  await second.said(/delivered/);
  second.child.kill("SIGTERM");
  await second.ended;

  const ids = receiver.requests.map(({ headers }) => headers["webhook-id"]);
  expect(ids).toHaveLength(2);
  expect(ids[0]).toBe(ids[1]);
  expect((await folder.json(["hooks"]))[0]).toMatchObject({ counts: { delivered: 1 } });
}, 60_000);

test.concurrent.for([
  ["both", ["deliver", "--follow", "--for", "1s"], "leave out --for"],
  ["a bad duration", ["deliver", "--for", "soon"], 'such as "500ms"'],
] as const)("deliver with %s ends with 2", async ([, args, message]) => {
  await using folder = await createFolder(webhookTo("http://127.0.0.1:9/"));

  const refused = await folder.run(args);

  expect(refused.status).toBe(2);
  expect(refused.stderr).toContain(message);
});

test.concurrent("deliver --follow with a wrong configuration ends with 2 at once", async () => {
  await using folder = await createFolder("version: 1\nhooks:\n  - nmae: x\n");

  const refused = await folder.run(["deliver", "--follow"]);

  expect(refused.status).toBe(2);
  expect(refused.stderr).toContain("pipehooks.yaml:3:5");
});

test.concurrent("four emitters at once while the follower is killed: everything arrives, duplicates under the same id", async ({
  expect,
}) => {
  await using receiver = await createHttpReceiver();
  await using folder = await createFolder(webhookTo(receiver.url));
  const perEmitter = 300;
  const lines = (emitter: number) =>
    Array.from(
      { length: perEmitter },
      (_, n) => `{"type":"pipeline.end","id":"${emitter}-${n}"}\n`,
    ).join("");
  const emitters = Promise.all(
    [1, 2, 3, 4].map((emitter) =>
      folder.run(["emit", "--stdin", "--quiet"], { input: lines(emitter) }),
    ),
  );
  for (let kills = 0; kills < 3; kills += 1) {
    const follower = folder.start(["deliver", "--follow", "--quiet"]);
    await receiver.received(receiver.requests.length + 20);
    follower.child.kill("SIGKILL");
    await follower.ended;
  }
  const emitted = await emitters;

  const last = folder.start(["deliver", "--follow", "--quiet"]);
  const total = 4 * perEmitter;
  const idsOf = () => new Set(receiver.requests.map(({ text }) => JSON.parse(text).data.id));
  await expect.poll(() => idsOf().size, { timeout: 50_000, interval: 100 }).toBe(total);
  last.child.kill("SIGTERM");
  await last.ended;

  expect(emitted.map(({ status }) => status)).toEqual([0, 0, 0, 0]);
  const webhookIds = new Map<string, Set<string | undefined>>();
  for (const { text, headers } of receiver.requests) {
    const { id } = JSON.parse(text).data;
    webhookIds.set(id, (webhookIds.get(id) ?? new Set()).add(headers["webhook-id"]));
  }
  expect([...webhookIds.values()].every((ids) => ids.size === 1)).toBe(true);
  expect((await folder.json(["hooks"]))[0]).toMatchObject({ counts: { delivered: total } });
}, 90_000);
