import { execFile } from "node:child_process";
import { readFile, rm, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import plugin, { discord, opsgenie, pagerduty, slack, teams } from "@pipehooks/alerts";
import type { HookKind } from "@pipehooks/core";
import { createPagerDutyReceiver, createSlackReceiver } from "@pipehooks/testing";
import { expect, test } from "vitest";
import { optionsOf, rowsOf } from "../../../testing/src/option-table.ts";

const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");

test("the program of the README tells Slack and PagerDuty, and resolves both", async () => {
  await using chat = await createSlackReceiver();
  await using pager = await createPagerDutyReceiver();
  const program = /```ts\n(.*?)```/s.exec(readme)?.[1] ?? "";
  // Beside the package, so that imports resolve as in any program that uses it.
  const file = fileURLToPath(new URL(`./readme-${process.pid}.tmp.ts`, import.meta.url));
  const local = program
    .replace("slack({", `slack({ apiUrl: "${chat.url}", allowPrivate: true,`)
    .replace("pagerduty({", `pagerduty({ apiUrl: "${pager.url}", allowPrivate: true,`);
  expect(local.split("allowPrivate")).toHaveLength(3);
  await writeFile(file, local);

  try {
    const env = { ...process.env, SLACK_TOKEN: chat.token, PAGERDUTY_KEY: pager.routingKey };
    await promisify(execFile)(process.execPath, [file], { env, timeout: 20_000 });

    expect(chat.messages[0]?.text).toContain("Resolved");
    expect(pager.alerts).toMatchObject([{ state: "resolved" }]);
  } finally {
    await rm(file);
  }
});

const kinds: Readonly<Record<string, { readonly kind: HookKind }>> = {
  ...{ slack, teams, pagerduty, opsgenie, discord },
};

test.for(Object.entries(kinds))(
  "the README has a row for each option of %s",
  ([name, { kind }]) => {
    const sections = ["all kinds", `\`${name}\``].map(sectionOf);

    expect(rowsOf(sections.join("\n"))).toEqual(optionsOf(kind));
  },
);

test("the plugin brings every kind", () => {
  expect(plugin.hooks?.map(({ kind }) => kind.name)).toEqual(Object.keys(kinds));
});

test("loading the plugin loads neither undici nor anything else that is heavy", async () => {
  const program = `
    await import("@pipehooks/alerts");
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

function sectionOf(title: string): string {
  const start = readme.indexOf(`## Options of ${title}\n`);
  return readme.slice(start, readme.indexOf("\n## ", start + 1));
}
