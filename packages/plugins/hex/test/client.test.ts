import { isHookError } from "@pipehooks/core";
import { createHexClient, type HexClient } from "@pipehooks/hex";
import { createHexReceiver, createHttpReceiver, type HexReceiver } from "@pipehooks/testing";
import { expect, test } from "vitest";

const { signal } = new AbortController();

function open(hex: Pick<HexReceiver, "url" | "token">): Promise<HexClient> {
  return createHexClient({ token: hex.token, host: hex.url, allowHttp: true });
}

async function all<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const list: Item[] = [];
  for await (const item of items) list.push(item);
  return list;
}

async function messageFrom(call: Promise<unknown>): Promise<string> {
  const error = await call.then(
    () => expect.fail("it ended well"),
    (thrown: unknown) => thrown,
  );
  return isHookError(error) ? error.message : expect.fail(`no HookError: ${String(error)}`);
}

test("projects are listed over all pages, each once, in the order of their creation", async () => {
  const projects = Array.from({ length: 250 }, (_, at) => ({ title: `P${at}` }));
  await using hex = await createHexReceiver({ projects });
  await using client = await open(hex);

  const listed = await all(client.projects(signal));

  expect(listed.map(({ title }) => title)).toEqual(projects.map(({ title }) => title));
  expect(listed[0]?.owner?.email).toBe("ada@example.com");
  expect(hex.count("projects")).toBe(3);
});

test("a list whose cursor stays the same, or whose page is empty, comes to an end", async () => {
  const page = (values: unknown[]) => ({
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ values, pagination: { after: "same" } }),
  });
  await using receiver = await createHttpReceiver({ respond: page([{ id: "a", title: "A" }]) });
  await using client = await open({ url: receiver.url, token: "hxtp_0" });

  const turning = await all(client.projects(signal));
  receiver.respond(page([]));
  const empty = await all(client.projects(signal));

  expect(turning).toHaveLength(2);
  expect(empty).toEqual([]);
});

test("lineage is read page by page, and without Enterprise the refusal says so", async () => {
  const tables = Array.from({ length: 150 }, (_, at) => `ANALYTICS.PUBLIC.T${at}`);
  await using rich = await createHexReceiver({ projects: [{ title: "A", tables }] });
  await using poor = await createHexReceiver({ enterprise: false });
  await using client = await open(rich);
  await using other = await open(poor);

  const listed = await all(client.queriedTables(rich.projectIds[0] ?? "", signal));
  const refused = await messageFrom(all(other.queriedTables(poor.projectIds[0] ?? "", signal)));

  expect(listed.map(({ tableName }) => tableName)).toEqual(tables);
  expect(refused).toContain("Enterprise plan is needed");
});

test("each of the four shapes of errors is read, with what to do and the trace id", async () => {
  await using hex = await createHexReceiver({
    projects: [
      { title: "A", inputs: { limit: { dataType: "number", cellType: "slider" } } },
      { title: "Draft", lastPublishedAt: null },
    ],
  });
  await using client = await open(hex);
  await using stranger = await open({ url: hex.url, token: "hxtp_1" });
  const [project = "", draft = ""] = hex.projectIds;

  const inputParams = { limit: "abc", regoin: 1, contry: 2 };
  const inputs = await messageFrom(client.run(project, { inputParams }, signal));
  const older = await messageFrom(client.run(draft, {}, signal));
  const newer = await messageFrom(client.project("none", signal));
  const bare = await messageFrom(stranger.me(signal));

  expect(inputs).toContain('input "limit" is "abc", but takes a number (slider)');
  expect(inputs).toContain('the published app has no input "regoin", "contry"');
  expect(inputs).toMatch(/Trace t-\d+\.$/);
  expect(older).toContain("Hex says: Project has not been published.");
  expect(newer).toMatch(/answered 404.*Hex says: Not found\. Check "project" and "host".*Trace/);
  expect(bare).toMatch(/answered 401.*Hex says: Unauthorized\. Check "token"/);
});

test("an answer that is not Hex's is a failure worth another attempt", async () => {
  await using receiver = await createHttpReceiver({
    respond: { headers: { "content-type": "application/json" }, body: '{"hello":"world"}' },
  });
  await using client = await open({ url: receiver.url, token: "hxtp_0" });

  const message = await messageFrom(client.runInfo("p", "r", signal));

  expect(message).toContain("in a form that is not Hex's (runId)");
});

test.for([
  ["acme.hex.tech", "acme.hex.tech"],
  ["https://eu.hex.tech", "eu.hex.tech"],
  ["https://acme.hex.tech/api/v1/", "acme.hex.tech"],
  ["acme.hex.tech/api/v1", "acme.hex.tech"],
] as const)("the host may be written as %s", async ([written, host]) => {
  await using client = await createHexClient({ token: "hxtp_0", host: written });

  expect(client.host).toBe(host);
});

test("a redirect is refused, so the token goes to no other host", async () => {
  await using other = await createHttpReceiver();
  await using receiver = await createHttpReceiver({
    respond: { status: 302, headers: { location: `${other.url}/login` } },
  });
  await using client = await open({ url: receiver.url, token: "hxtp_0" });

  const message = await messageFrom(client.me(signal));

  expect(message).toContain("redirect");
  expect(other.requests).toEqual([]);
});
