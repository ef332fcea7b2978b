import { cloudLogging } from "@pipehooks/cloud-logging";
import { checkOptions } from "@pipehooks/testing";
import { describe, expect, test } from "vitest";
import { z } from "zod";

const aws = { logGroup: "/pipelines/prod", region: "eu-west-1" };
const gcp = { projectId: "pipehooks-test" };
const azure = {
  endpoint: "https://logs-abcd.westeurope-1.ingest.monitor.azure.com",
  dcr: "dcr-0123456789abcdef0123456789abcdef",
  stream: "Custom-PipelineEvents",
};

async function problemsOf(options: unknown): Promise<Record<string, string>> {
  const { problems } = await checkOptions(cloudLogging.kind, options);
  return Object.fromEntries(problems.map(({ path, message }) => [path, message]));
}

test.for([
  { provider: "aws", aws },
  { provider: "gcp", gcp },
  { provider: "azure", azure },
])("$provider needs little", async (options) => {
  expect(await problemsOf(options)).toEqual({});
});

describe("a provider", () => {
  test("is described under its name, and no other one is", async () => {
    expect(Object.keys(await problemsOf({ provider: "aws", gcp, azure })).sort()).toEqual([
      "aws",
      "azure",
      "gcp",
    ]);
  });

  test("is one of three", async () => {
    expect(Object.keys(await problemsOf({ provider: "oracle" }))).toEqual(["provider"]);
  });
});

test.for([
  [{ provider: "aws", aws: { ...aws, logGroup: "with space" } }, "aws.logGroup"],
  [{ provider: "aws", aws: { ...aws, logStream: "a:b" } }, "aws.logStream"],
  [{ provider: "aws", aws: { ...aws, logStream: "${pipeline}" } }, "aws.logStream"],
  [{ provider: "aws", aws: { ...aws, retentionDays: 8 } }, "aws.retentionDays"],
  [{ provider: "aws", aws: { ...aws, endpoint: "http://localhost:4566" } }, "aws.endpoint"],
  [{ provider: "aws", aws: { ...aws, endpoint: " HTTP://localhost:4566" } }, "aws.endpoint"],
  [
    { provider: "azure", azure: { ...azure, endpoint: "HTTP://logs.example.com" } },
    "azure.endpoint",
  ],
  [{ provider: "aws", aws: { ...aws, endpoint: "https://a:b@example.com" } }, "aws.endpoint"],
  [{ provider: "aws", aws: { ...aws, accessKeyId: "AKIA" } }, "aws.secretAccessKey"],
  [{ provider: "aws", aws: { ...aws, sessionToken: "t" } }, "aws.accessKeyId"],
  [{ provider: "aws", aws: { ...aws, entity: { name: "x" } } }, "aws.entity"],
  [{ provider: "aws", aws: { ...aws, group: "x" } }, "aws"],
  [{ provider: "gcp", gcp: { projectId: "Not One" } }, "gcp.projectId"],
  [{ provider: "gcp", gcp: { ...gcp, logName: "a b" } }, "gcp.logName"],
  [{ provider: "gcp", gcp: { ...gcp, resource: {} } }, "gcp.resource.type"],
  [
    { provider: "gcp", gcp: { ...gcp, labels: { ["x".repeat(513)]: "" } } },
    `gcp.labels.${"x".repeat(513)}`,
  ],
  [{ provider: "gcp", gcp: { ...gcp, labels: { a: "${" } } }, "gcp.labels.a"],
  [{ provider: "gcp", gcp: { ...gcp, retentionDays: 0 } }, "gcp.retentionDays"],
  [{ provider: "gcp", gcp: { ...gcp, endpoint: "localhost:8080" } }, "gcp.endpoint"],
  [{ provider: "gcp", gcp: { ...gcp, endpoint: "http://localhost:8080" } }, "gcp.endpoint"],
  [{ provider: "azure", azure: { ...azure, endpoint: "http://example.com" } }, "azure.endpoint"],
  [{ provider: "azure", azure: { ...azure, dcr: "0123" } }, "azure.dcr"],
  [{ provider: "azure", azure: { ...azure, stream: "PipelineEvents" } }, "azure.stream"],
  [{ provider: "azure", azure: { ...azure, ca: "/etc/ca.pem" } }, "azure.ca"],
  [{ provider: "aws", aws, record: 5 }, "record"],
  [{ provider: "aws", aws, record: [1] }, "record"],
  [{ provider: "aws", aws, record: { a: "${" } }, "record"],
  [{ provider: "aws", aws, oversize: "drop" }, "oversize"],
  [{ provider: "aws", aws, requestTimeout: "soon" }, "requestTimeout"],
  [{ provider: "aws", aws, batch: { maxRecords: 10_001 } }, "batch.maxRecords"],
  [{ provider: "aws", aws, batch: { maxBytes: "2MiB" } }, "batch.maxBytes"],
  [{ provider: "azure", azure, batch: { maxBytes: 1_000_001 } }, "batch.maxBytes"],
  [{ provider: "aws", aws, batch: { maxBytes: "much" } }, "batch.maxBytes"],
  [{ provider: "aws", aws, batch: { linger: "long" } }, "batch.linger"],
  [{ provider: "aws", aws, batch: { size: 1 } }, "batch"],
  [{ provider: "aws", aws, unknown: 1 }, ""],
] as const)("%j is refused at %s", async ([options, path]) => {
  expect(Object.keys(await problemsOf(options))).toEqual([path]);
});

test("a sign-in of Azure is given whole or not at all", async () => {
  expect(
    Object.keys(await problemsOf({ provider: "azure", azure: { ...azure, clientId: "x" } })).sort(),
  ).toEqual(["azure.clientSecret", "azure.tenantId"]);
});

test("two ways to say who one is exclude each other", async () => {
  const credentials = { clientEmail: "a@b.iam.gserviceaccount.com", privateKey: "x" };

  expect(
    await problemsOf({ provider: "gcp", gcp: { ...gcp, keyFile: "key.json", credentials } }),
  ).toEqual({ "gcp.credentials": 'stands beside "keyFile"; write one of the two' });
});

test("more labels than an entry takes are refused", async () => {
  const labels = Object.fromEntries(Array.from({ length: 65 }, (_, index) => [`l${index}`, "x"]));

  expect(await problemsOf({ provider: "gcp", gcp: { ...gcp, labels } })).toEqual({
    "gcp.labels": "has 65 labels; an entry takes 64",
  });
});

test("everything wrong is reported at once", async () => {
  const problems = await problemsOf({
    provider: "aws",
    aws: { logGroup: "", endpoint: "http://x", retentionDays: 2 },
    oversize: 1,
    batch: { maxRecords: 0, maxBytes: "9MiB" },
  });

  expect(Object.keys(problems).sort()).toEqual([
    "aws.endpoint",
    "aws.logGroup",
    "aws.retentionDays",
    "batch.maxBytes",
    "batch.maxRecords",
    "oversize",
  ]);
});

test("secrets are never among what is said of wrong options", async () => {
  const problems = await problemsOf({
    provider: "aws",
    aws: { ...aws, secretAccessKey: "wJalrXUtnFEMI" },
  });

  expect(JSON.stringify(problems)).not.toContain("wJalrXUtnFEMI");
});

test("there is a JSON Schema that says what each option is", () => {
  // The contract knows any Standard Schema; this kind's is of zod.
  const schema = z.toJSONSchema(cloudLogging.kind.options as unknown as z.ZodType, { io: "input" });

  expect(schema).toMatchObject({
    type: "object",
    required: ["provider"],
    additionalProperties: false,
  });
  expect(Object.keys(schema.properties ?? {}).sort()).toEqual(
    "aws azure batch gcp oversize provider record requestTimeout".split(" "),
  );
});

describe("what the bus is told", () => {
  const limits = (options: object) => {
    const { batch } = cloudLogging.kind;
    return typeof batch === "function" ? batch(options) : batch;
  };

  test("AWS: 1 MiB with 26 bytes for each event, 10 000 events, 24 hours, 14 days, 2 hours ahead", () => {
    expect(limits({ provider: "aws", aws })).toEqual({
      maxCount: 10_000,
      maxBytes: 1_048_576,
      recordOverhead: 26,
      maxSpanMs: 86_400_000,
      maxAgeMs: 14 * 86_400_000,
      maxAheadMs: 7_200_000,
    });
  });

  test("a shorter retention makes the age shorter, a longer one does not make it longer", () => {
    const ageOf = (retentionDays: number) =>
      limits({ provider: "aws", aws: { ...aws, retentionDays } })?.maxAgeMs;

    expect([ageOf(3), ageOf(365)]).toEqual([3 * 86_400_000, 14 * 86_400_000]);
  });

  test("Google: 2 MB of 10, entries not older than the bucket keeps them, a day ahead", () => {
    expect(limits({ provider: "gcp", gcp, batch: { maxBytes: 9_900_000 } })).toMatchObject({
      maxBytes: 9_900_000,
    });
    expect(limits({ provider: "gcp", gcp })).toMatchObject({
      maxBytes: 2_000_000,
      recordOverhead: 5,
      maxAgeMs: 30 * 86_400_000,
      maxAheadMs: 86_400_000,
    });
    expect(limits({ provider: "gcp", gcp: { ...gcp, retentionDays: 365 } })).toMatchObject({
      maxAgeMs: 365 * 86_400_000,
    });
  });

  test("Azure: 1 000 000 bytes with commas and brackets, half an hour for an auxiliary table", () => {
    expect(limits({ provider: "azure", azure })).toEqual({
      maxCount: 10_000,
      maxBytes: 1_000_000,
      recordOverhead: 1,
      callOverhead: 2,
    });
    expect(limits({ provider: "azure", azure: { ...azure, auxiliaryTable: true } })).toMatchObject({
      maxSpanMs: 1_800_000,
    });
  });

  test("batch narrows it", () => {
    const batch = { maxRecords: 50, maxBytes: "64KiB", linger: "5s" };

    expect(limits({ provider: "aws", aws, batch })).toMatchObject({
      maxCount: 50,
      maxBytes: 65_536,
      lingerMs: 5000,
    });
  });

  test("only the client of the chosen provider is needed", () => {
    const { needs } = cloudLogging.kind;
    const of = (options: object) => (typeof needs === "function" ? needs(options) : needs);

    expect(of({ provider: "aws", aws })).toEqual(["@aws-sdk/client-cloudwatch-logs"]);
    expect(of({ provider: "gcp", gcp })).toEqual(["@google-cloud/logging"]);
    expect(of({ provider: "azure", azure })).toEqual([
      "@azure/monitor-ingestion",
      "@azure/identity",
    ]);
  });

  test("whose limits are shared is the destination, which tells no key", () => {
    const of = (options: object) => cloudLogging.kind.destination?.(options);
    const keys = { accessKeyId: "AKIAIOSFODNN7EXAMPLE", secretAccessKey: "x" };

    expect(of({ provider: "aws", aws })).toBe("logs.eu-west-1");
    expect(of({ provider: "aws", aws: { ...aws, ...keys } })).not.toContain("AKIA");
    expect(of({ provider: "aws", aws: { ...aws, ...keys } })).not.toBe("logs.eu-west-1");
    expect(of({ provider: "gcp", gcp })).toBe("logging.googleapis.com/pipehooks-test");
    expect(of({ provider: "azure", azure })).toBe(
      "logs-abcd.westeurope-1.ingest.monitor.azure.com/dcr-0123456789abcdef0123456789abcdef",
    );
  });
});
