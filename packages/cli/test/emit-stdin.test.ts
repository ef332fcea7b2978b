import { createHttpReceiver } from "@pipehooks/testing";
import { expect, test } from "vitest";
import { createFolder, linesOf, webhookTo } from "./command.ts";

const nowhere = webhookTo("http://127.0.0.1:9/");

test.concurrent("each line is stored: CloudEvents, the short form, empty lines between, no newline at the end", async () => {
  await using folder = await createFolder(nowhere);
  const input = [
    '\ufeff{"type":"pipeline.start","pipeline":"orders"}\r',
    "",
    '{"specversion":"1.0","id":"c1","source":"/foreign","type":"pipeline.end","pipeline":"orders","data":{"rows":3}}',
    "   ",
    '{"type":"table.created","id":"t1","table":"sales.orders","runId":"r1","metadata":{"rows":3}}',
  ].join("\n");

  const emitted = await folder.run(["emit", "--stdin"], { input });

  expect(emitted.stderr).toMatch(/^3 stored, in /);
  expect(emitted.status).toBe(0);
  expect(linesOf(emitted.stdout).map((line) => JSON.parse(line))).toMatchObject([
    { type: "pipeline.start", pipeline: "orders", source: "/tests" },
    { type: "pipeline.end", id: "c1", source: "/foreign", metadata: { rows: 3 } },
    { type: "table.created", id: "t1", table: "sales.orders", runId: "r1" },
  ]);
  expect(await folder.json(["events"])).toHaveLength(3);
});

test.concurrent("bad lines are told by number, the rest is stored, and the end is 1", async () => {
  await using folder = await createFolder(nowhere);
  const input = Buffer.concat([
    Buffer.from('{"type":"pipeline.end"}\n\nno json\n{"type":"nope.nope"}\n'),
    Buffer.from([0xff, 0xfe, 0x0a]),
    Buffer.from('[]\n{"pipeline":"x"}\n{"specversion":"1.0","type":"pipeline.end"}\n'),
    Buffer.from('{"type":"pipeline.end","pipline":"x"}\n{"type":"pipeline.start"}'),
  ]);

  const emitted = await folder.run(["emit", "--stdin", "--json"], { input });

  expect(emitted.status).toBe(1);
  expect(emitted.stderr).toMatch(/line 3: it is no JSON/);
  expect(emitted.stderr).toMatch(/line 4: .*nope\.nope/);
  expect(emitted.stderr).toMatch(/line 5: it is not UTF-8/);
  expect(emitted.stderr).toMatch(/line 6: it is no JSON object/);
  expect(emitted.stderr).toMatch(/line 7: it has no "type"/);
  expect(emitted.stderr).toMatch(/line 8: .*"id" is missing/);
  expect(emitted.stderr).toMatch(/line 9: .*"pipline"/);
  expect(emitted.stderr).toMatch(/2 stored, 7 lines refused/);
  const lines = linesOf(emitted.stdout).map((line) => JSON.parse(line));
  expect(lines.map(({ line }) => line)).toEqual([1, 3, 4, 5, 6, 7, 8, 9, 10]);
  expect(lines[2]).toMatchObject({ line: 4, error: { code: "EVENT_TYPE_UNKNOWN" } });
  expect(lines[0]).toMatchObject({ line: 1, duplicate: false, deliveries: [{ hook: "ops" }] });
});

test.concurrent("5,000 lines are stored in order, and again they are all duplicates", async () => {
  await using folder = await createFolder(nowhere);
  const input = Array.from(
    { length: 5000 },
    (_, n) => `{"type":"pipeline.end","id":"e${n}"}\n`,
  ).join("");

  const first = await folder.run(["emit", "--stdin"], { input });
  const again = await folder.run(["emit", "--stdin", "--json"], { input });

  const ids = linesOf(first.stdout).map((line) => JSON.parse(line).id);
  expect(ids).toEqual(Array.from({ length: 5000 }, (_, n) => `e${n}`));
  expect(first.stderr).toContain("5000 stored");
  expect(again.stderr).toContain("0 stored, 5000 duplicates");
  expect(again.status).toBe(0);
  expect((await folder.json(["hooks"]))[0]).toMatchObject({ counts: { waiting: 5000 } });
});

test.concurrent("a line that is cut by the pipe's pieces, and one that is far too long, do no harm", async () => {
  await using folder = await createFolder(nowhere);
  const long = `{"type":"pipeline.end","metadata":{"text":"${"ü".repeat(100_000)}"}}`;
  const endless = `{"type":"pipeline.end","metadata":{"text":"${"x".repeat(17 * 1024 * 1024)}"}}`;
  const input = [long, endless, '{"type":"pipeline.start"}', ""].join("\n");

  const emitted = await folder.run(["emit", "--stdin"], { input });

  expect(emitted.stderr).toContain("line 2: it is longer than 16 MiB");
  expect(emitted.stderr).toContain("2 stored, 1 line refused");
  expect(linesOf(emitted.stdout).map((line) => JSON.parse(line).type)).toEqual([
    "pipeline.end",
    "pipeline.start",
  ]);
});

test.concurrent("emit --stdin --wait delivers what was read, and a dead delivery makes it 1", async () => {
  await using receiver = await createHttpReceiver({
    respond: ({ text }) => (text.includes('"pipeline":"bad"') ? 400 : 200),
  });
  await using folder = await createFolder(webhookTo(receiver.url));

  const good = await folder.run(["emit", "--stdin", "--wait"], {
    input: '{"type":"pipeline.end"}\n{"type":"pipeline.start"}\n',
  });
  const bad = await folder.run(["emit", "--stdin", "--wait"], {
    input: '{"type":"pipeline.end","pipeline":"bad"}\n',
  });

  expect([good.status, bad.status]).toEqual([0, 1]);
  expect(good.stderr).toContain("2 delivered.");
  expect(bad.stderr).toContain("1 dead.");
});

test.concurrent("when the store takes no more, reading stops and the end is 1", async () => {
  await using folder = await createFolder(`${nowhere}store: sqlite:pipehooks.yaml/events.db\n`);

  const emitted = await folder.run(["emit", "--stdin"], {
    input: '{"type":"pipeline.end"}\n'.repeat(3),
  });

  expect(emitted.status).toBe(1);
  expect(emitted.stderr).toContain("The store took no more: line 1: sqlite: ");
});
