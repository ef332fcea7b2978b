import plugin, { dbtCloudRun, dbtCore } from "@pipehooks/dbt";
import { checkOptions, openHook } from "@pipehooks/testing";
import { describe, expect, test } from "vitest";
import { z } from "zod";

const good = { host: "ab123.us1.dbt.com", token: "dbtc_x", accountId: 1, job: 42 };

async function problemsOf(options: unknown): Promise<Record<string, string>> {
  const { problems } = await checkOptions(dbtCloudRun.kind, options);
  return Object.fromEntries(problems.map(({ path, message }) => [path, message]));
}

describe("the host", () => {
  test.for([
    "ab123.us1.dbt.com",
    "https://ab123.eu1.dbt.com",
    "https://ab123.eu1.dbt.com/",
    "https://ab123.us2.dbt.com/api",
    "https://ab123.us2.dbt.com/api/v2/",
    "emea.dbt.com",
    "dbt.example.com:8443",
    "http://127.0.0.1:8080",
  ])("%s is one", async (host) => {
    expect(await problemsOf({ ...good, host })).toEqual({});
  });

  test.for([
    ["us1.dbt.com", "prefix"],
    ["https://ab123.us1.dbt.com/deploy/1/projects/2/jobs/42", "more than a host"],
    ["https://ab123.us1.dbt.com/?x=1", "more than a host"],
    ["https://user:word@ab123.us1.dbt.com", '"token"'],
    ["ftp://ab123.us1.dbt.com", "http"],
    ["http://dbt.example.com", "allowHttp"],
    ["", "no host"],
  ] as const)("%s is none: %s", async ([host, why]) => {
    expect((await problemsOf({ ...good, host })).host).toContain(why);
  });

  test("plain http to another machine is taken with allowHttp", async () => {
    expect(await problemsOf({ ...good, host: "http://dbt.internal", allowHttp: true })).toEqual({});
  });

  test("hooks of one account share a destination, whatever their jobs and tokens", () => {
    const { destination } = dbtCloudRun.kind;

    expect(destination?.({ ...good, accountId: "1" })).toBe("dbt:ab123.us1.dbt.com/1");
    expect(destination?.({ ...good, accountId: "1", job: 43, token: "y" })).toBe(
      "dbt:ab123.us1.dbt.com/1",
    );
    expect(destination?.({ ...good, accountId: "2" })).toBe("dbt:ab123.us1.dbt.com/2");
  });

  test("a host that is going to be retired is warned of", async () => {
    await using opened = await openHook(dbtCloudRun, { ...good, host: "cloud.getdbt.com" });

    expect(opened.logs).toMatchObject([{ level: "warn", message: /retired/ }]);
  });
});

describe("the token", () => {
  test.for(["", "Token dbtc_x", "Bearer dbtc_x", "dbtc_x\n", "dbtc_ü"])(
    "%j is refused and not shown",
    async (token) => {
      const problems = await problemsOf({ ...good, token });

      expect(Object.keys(problems)).toEqual(["token"]);
      expect(problems.token).not.toContain("dbtc_x");
    },
  );
});

describe("options that exclude or need each other", () => {
  const { job: _, ...noJob } = good;
  test.for([
    [noJob, "job"],
    [{ ...noJob, mappings: { a: "tag:a", b: 43 } }, "job mappings.a"],
    [{ ...good, mapBy: "pipeline" }, "mapBy"],
    [{ ...good, retryOn: "any" }, "retryOn"],
    [{ ...good, retryOn: "any", retryRun: 0 }, "retryOn"],
    [{ ...good, results: false, retryRun: 1 }, "results"],
    [{ ...good, results: false, retryRun: 1, retryOn: "transient" }, "results"],
    [{ ...good, select: "a", stepsOverride: ["dbt build"] }, "stepsOverride"],
    [{ ...good, mappings: { a: ["tag:a"] }, stepsOverride: ["dbt build"] }, "stepsOverride"],
    [{ ...good, stepsOverride: ["dbt build -s {selection}"] }, "select"],
    [{ ...good, unknown: 1 }, ""],
  ] as const)("%j is refused at %s", async ([options, paths]) => {
    const problems = Object.keys(await problemsOf(options)).sort();

    expect(problems).toEqual(paths === "job mappings.a" ? ["mappings.a"] : [paths]);
  });

  test("without results a run is run again after any failure", async () => {
    const options = { ...good, results: false, retryRun: 1, retryOn: "any" };

    expect(await problemsOf(options)).toEqual({});
  });

  test("a mapping with a job each needs no other", async () => {
    expect(await problemsOf({ ...noJob, mappings: { a: 43, b: { job: "44" } } })).toEqual({});
  });

  test("these rules are told beside wrong types", async () => {
    const problems = await problemsOf({ host: 1, token: 2, accountId: {}, job: [], mapBy: 3 });

    expect(Object.keys(problems).sort()).toEqual(["accountId", "host", "job", "mapBy", "token"]);
  });

  test("options that are no object are refused", async () => {
    for (const options of [undefined, null, "x", []]) {
      expect(Object.keys(await problemsOf(options))).toEqual([""]);
    }
  });
});

test.for([dbtCloudRun, dbtCore])(
  "there is a JSON Schema that says what each option is",
  (factory) => {
    // The contract knows any Standard Schema; these are of zod.
    const schema = z.toJSONSchema(factory.kind.options as unknown as z.ZodType, { io: "input" });

    expect(schema).toMatchObject({ type: "object", additionalProperties: false });
  },
);

test("the plugin brings both kinds and the types of its events", async () => {
  expect(plugin.hooks?.map(({ kind }) => kind.name)).toEqual(["dbt-cloud-run", "dbt-core"]);
  expect(Object.keys(plugin.events ?? {})).toEqual([
    "dbt.run.completed",
    "dbt.run.failed",
    "dbt.run.cancelled",
  ]);
});
