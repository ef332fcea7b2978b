import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { databricksJob } from "@pipehooks/databricks";
import { checkOptions, createDatabricksReceiver, openHook } from "@pipehooks/testing";
import { beforeEach, expect, test, vi } from "vitest";

const host = "https://dbc-a1b2.cloud.databricks.com";
const variables = "HOST TOKEN CLIENT_ID CLIENT_SECRET WORKSPACE_ID CONFIG_FILE".split(" ");

await using receiver = await createDatabricksReceiver({ driver: true });
const ca = receiver.ca;

beforeEach(() => {
  for (const name of variables) vi.stubEnv(`DATABRICKS_${name}`, undefined);
});

async function connectionOf(options: object) {
  const { value, problems } = await checkOptions(databricksJob.kind, { jobId: 1, ...options });
  expect(problems).toEqual([]);
  return (value as { connection: unknown }).connection;
}

async function problemsOf(options: object) {
  return (await checkOptions(databricksJob.kind, { jobId: 1, ...options })).problems;
}

test("host and credentials are found in the variables that Databricks' tools read", async () => {
  vi.stubEnv("DATABRICKS_HOST", "dbc-a1b2.cloud.databricks.com/");
  vi.stubEnv("DATABRICKS_CLIENT_ID", "client-1");
  vi.stubEnv("DATABRICKS_CLIENT_SECRET", "s3cret");
  vi.stubEnv("DATABRICKS_WORKSPACE_ID", "123");

  expect(await connectionOf({})).toEqual({
    host,
    auth: { type: "oauth", clientId: "client-1", clientSecret: "s3cret" },
    workspaceId: "123",
    allowHttp: false,
  });
});

test("options win over the environment, and credentials are taken whole from one place", async () => {
  vi.stubEnv("DATABRICKS_HOST", "https://other.cloud.databricks.com");
  vi.stubEnv("DATABRICKS_CLIENT_ID", "client-1");
  vi.stubEnv("DATABRICKS_CLIENT_SECRET", "s3cret");

  expect(await connectionOf({ host, token: "dapi-1" })).toMatchObject({
    host,
    auth: { type: "token", token: "dapi-1" },
  });
});

test("a profile of ~/.databrickscfg is read when it is named", async () => {
  const file = join(mkdtempSync(join(tmpdir(), "databricks-")), "cfg");
  writeFileSync(
    file,
    `; comment\n[DEFAULT]\nhost = https://default.example\ntoken = dapi-0\n\n[prod]\nhost=${host}\nclient_id = client-2\nclient_secret = a=b\n`,
  );
  vi.stubEnv("DATABRICKS_CONFIG_FILE", file);

  expect(await connectionOf({ profile: "prod" })).toMatchObject({
    host,
    auth: { type: "oauth", clientId: "client-2", clientSecret: "a=b" },
  });
  expect(await problemsOf({ profile: "test" })).toEqual([
    { path: "profile", message: `cannot be read from ${file}: it has no section [test]` },
  ]);
});

test("a file of profiles that is not there is named as it was looked for", async () => {
  vi.stubEnv("DATABRICKS_CONFIG_FILE", "/nowhere/cfg");
  const named = await problemsOf({ profile: "prod" });
  vi.stubEnv("DATABRICKS_CONFIG_FILE", "");
  vi.stubEnv("HOME", "/nowhere");
  const usual = await problemsOf({ profile: "prod" });

  const problem = (file: string) => [
    { path: "profile", message: `cannot be read from ${file}: there is no such file` },
  ];
  expect(named).toEqual(problem("/nowhere/cfg"));
  expect(usual).toEqual(problem("~/.databrickscfg"));
});

test.for([
  ["dbc-a1b2.cloud.databricks.com", host],
  [`${host}/`, host],
  [`${host}:443/?o=123#job`, host],
  [" https://ADB-1.2.azuredatabricks.net/browse", "https://adb-1.2.azuredatabricks.net"],
  ["http://127.0.0.1:8080", "http://127.0.0.1:8080"],
] as const)("the host %s is the workspace %s", async ([text, expected]) => {
  expect(await connectionOf({ host: text, token: "t" })).toMatchObject({ host: expected });
});

test("plain http to another machine is asked for", async () => {
  expect(await problemsOf({ host: "http://proxy.example", token: "t" })).toHaveLength(1);
  expect(
    await connectionOf({ host: "http://proxy.example", token: "t", allowHttp: true }),
  ).toMatchObject({ host: "http://proxy.example", allowHttp: true });
});

test.for([
  [{}, ["host", "token"]],
  [{ host }, ["token"]],
  [{ host: "ftp://x", token: "t" }, ["host"]],
  [{ host: "https://user:pw@x", token: "t" }, ["host"]],
  [{ host, token: "" }, ["token"]],
  [{ host, token: "t", clientId: "c" }, ["token"]],
  [{ host, clientId: "c" }, ["clientSecret"]],
  [{ host, clientSecret: "s" }, ["clientId"]],
  [{ host, token: "t", workspaceId: "x" }, ["workspaceId"]],
  [{ host, token: "t", tls: { ca: "no PEM" } }, ["tls.ca"]],
  [{ host, token: "t", tls: { verify: false } }, ["tls"]],
  [{ host: "http://127.0.0.1", token: "t", tls: { ca } }, ["tls"]],
] as const)("%j is refused", async ([options, paths]) => {
  expect((await problemsOf(options)).map(({ path }) => path)).toEqual(paths);
});

test("an issuer of one's own is trusted, besides the system's", async () => {
  await using databricks = await createDatabricksReceiver({ driver: true, jobs: [{ id: "1" }] });
  const options = { host: databricks.url, token: "dapi-test", jobId: "1" };
  await using strange = await openHook(databricksJob, options);
  await using known = await openHook(databricksJob, {
    ...options,
    tls: { ca: databricks.ca },
  });
  const signal = AbortSignal.timeout(5_000);

  await expect(strange.hook.check?.(signal)).rejects.toMatchObject({ code: "RECEIVER_UNTRUSTED" });
  expect(await known.hook.check?.(signal)).toMatchObject({
    summary: expect.stringContaining("reached"),
  });
});

test("what must stay secret is named, the environment's included", async () => {
  vi.stubEnv("DATABRICKS_HOST", host);
  vi.stubEnv("DATABRICKS_TOKEN", "dapi-of-the-environment");

  await using opened = await openHook(databricksJob, { jobId: "1" });

  expect(opened.secrets).toEqual(["dapi-of-the-environment"]);
  expect(opened.destination).toBe(host);
});
