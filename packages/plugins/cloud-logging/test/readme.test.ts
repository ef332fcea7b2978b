import { execFile } from "node:child_process";
import { readFile, rm, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { cloudLogging } from "@pipehooks/cloud-logging";
import { createCloudWatchLogsReceiver } from "@pipehooks/testing";
import { expect, test } from "vitest";
import { z } from "zod";

const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");

test("the program of the README runs and ends by itself", async () => {
  await using logs = await createCloudWatchLogsReceiver();
  const program = /```ts\n(.*?)```/s.exec(readme)?.[1] ?? "";
  const line = "createGroup: true";
  expect(program).toContain(line);
  // Beside the package, so that imports resolve as in any program that uses it.
  const file = fileURLToPath(new URL(`./readme-${process.pid}.tmp.ts`, import.meta.url));
  await writeFile(file, program.replace(line, `${line}, endpoint: "${logs.url}", allowHttp: true`));

  try {
    await promisify(execFile)(process.execPath, [file], {
      env: {
        ...process.env,
        AWS_ACCESS_KEY_ID: logs.credentials.accessKeyId,
        AWS_SECRET_ACCESS_KEY: logs.credentials.secretAccessKey,
      },
      timeout: 15_000,
    });
  } finally {
    await rm(file);
  }

  expect(logs.events.map(({ message }) => JSON.parse(message))).toMatchObject([
    { type: "pipeline.end", pipeline: "orders", metadata: { duration: 12.5 } },
  ]);
});

test("the README has a row for each option, those of the blocks too", () => {
  // The contract knows any Standard Schema; this kind's is of zod.
  const schema = z.toJSONSchema(cloudLogging.kind.options as unknown as z.ZodType, { io: "input" });
  const rowsOf = (from: string, to: string) => {
    const table = readme.slice(readme.indexOf(from), readme.indexOf(to));
    return [...table.matchAll(/^\| ((?:`\w+` ?)+)\|/gm)]
      .flatMap(([, names = ""]) => [...names.matchAll(/`(\w+)`/g)].map((match) => match[1]))
      .sort();
  };
  const keysOf = (part: unknown) => Object.keys(Object(Object(part).properties)).sort();

  expect(rowsOf("## Options", "Policies such as")).toEqual(keysOf(schema));
  expect(rowsOf("### aws", "### gcp")).toEqual(keysOf(schema.properties?.aws));
  expect(rowsOf("### gcp", "### azure")).toEqual(keysOf(schema.properties?.gcp));
  expect(rowsOf("### azure", "## What becomes")).toEqual(keysOf(schema.properties?.azure));
});
