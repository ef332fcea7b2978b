import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { createFolder } from "./command.ts";

const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");

/** The part under a heading, up to the next one. */
function sectionOf(heading: string): string {
  const [, section = ""] =
    new RegExp(`^#+ ${heading}\\n(.*?)(?=^#|$(?![\\s\\S]))`, "ms").exec(readme) ?? [];
  return section;
}

function optionsIn(help: string): readonly string[] {
  return [...help.matchAll(/^ +(?:-\w, )?(--[\w-]+)/gm)].map(([, flag = ""]) => flag);
}

test("every command of the help has its section, and every option is named in it", async () => {
  await using folder = await createFolder();
  const { stdout: help } = await folder.run(["--help"]);
  const [, listed = ""] = help.split("Commands:");
  const commands = [...listed.matchAll(/^ {2}(\w+)/gm)]
    .map(([, name = ""]) => name)
    .filter((name) => name !== "help");
  const helps = await Promise.all(commands.map((name) => folder.run([name, "--help"])));

  const globals = optionsIn(help);
  const missing = commands.flatMap((name, index) => {
    const section = sectionOf(name);
    if (section === "") return [`### ${name}`];
    const own = optionsIn(helps[index]?.stdout ?? "").filter((flag) => !globals.includes(flag));
    return own.filter((flag) => !section.includes(`\`${flag}`)).map((flag) => `${name} ${flag}`);
  });
  const headings = [...readme.matchAll(/^### (\w+)$/gm)].map(([, name]) => name);

  expect(commands.length).toBeGreaterThan(15);
  expect(globals).toContain("--no-color");
  expect([
    ...missing,
    ...globals.filter((flag) => !sectionOf("Rules for all commands").includes(flag)),
  ]).toEqual([]);
  expect(headings).toEqual(commands);
});

test("the shortest way through works as it stands", async () => {
  await using folder = await createFolder();
  const [, block = ""] = /```sh\n(.*?)```/s.exec(sectionOf("The shortest way through")) ?? [];
  const lines = block.trim().split("\n");

  const ended = [];
  for (const line of lines) ended.push(await folder.run(line.split(" ").slice(2)));

  expect(lines.length).toBe(4);
  expect(ended.map(({ status }) => status)).toEqual([0, 0, 0, 0]);
  expect(ended.at(-1)?.stdout).toMatch(/dlv_1 +ops-webhook +retrying/);
});
