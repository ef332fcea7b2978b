import { execFile } from "node:child_process";
import { readFile, rm, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { createHttpReceiver } from "@pipehooks/testing";
import { verifyWebhook, webhook } from "@pipehooks/webhook";
import { expect, test } from "vitest";
import { optionsOf, rowsOf } from "../../../testing/src/option-table.ts";

const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");

test("the program of the README runs and ends by itself", async () => {
  await using receiver = await createHttpReceiver();
  const secret = `whsec_${Buffer.alloc(24, 7).toString("base64")}`;
  const program = /```ts\n(.*?)```/s.exec(readme)?.[1] ?? "";
  const url = '"https://api.example.com/pipeline-events"';
  expect(program).toContain(url);
  // Beside the package, so that imports resolve as in any program that uses it.
  const file = fileURLToPath(new URL(`./readme-${process.pid}.tmp.ts`, import.meta.url));
  await writeFile(file, program.replace(url, `"${receiver.url}/x", allowPrivate: true`));

  try {
    await promisify(execFile)(process.execPath, [file], {
      env: { ...process.env, WEBHOOK_SECRET: secret },
      timeout: 10_000,
    });
  } finally {
    await rm(file);
  }

  const [request] = receiver.requests;
  expect(receiver.requests).toHaveLength(1);
  expect(JSON.parse(request?.text ?? "")).toMatchObject({
    type: "pipeline.end",
    data: { pipeline: "orders", metadata: { duration: 12.5 } },
  });
  expect(verifyWebhook({ ...(request ?? expect.fail()), secrets: [secret] })).toBeDefined();
});

test("the README has a row for each option", () => {
  const table = readme.slice(readme.indexOf("## Options"), readme.indexOf("Policies such as"));

  expect(rowsOf(table)).toEqual(optionsOf(webhook.kind));
});

test("loading the plugin loads neither undici nor anything else that is heavy", async () => {
  const program = `
    await import("@pipehooks/webhook");
    const { createRequire } = await import("node:module");
    const cache = Object.keys(createRequire(import.meta.url).cache);
    console.log(cache.filter((file) => file.includes("undici")).length);
  `;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--input-type=module", "--eval", program],
    { cwd: fileURLToPath(new URL("..", import.meta.url)) },
  );

  expect(stdout.trim()).toBe("0");
});
