import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { root } from "./markdown.ts";

const execute = promisify(execFile);
const pnpmCommands = new Set(["add", "changeset", "dlx", "exec", "install"]);
const scriptPattern =
  /^(?:npm run|pnpm(?: --?[\w-]+)*(?: run)?|npm(?= (?:start|test)\b)) (\w[\w:-]*)/;
const commandPattern = /^(?:npx )?pipehooks (?:(?:-c|--config) \S+ )?(.*?)(?: -- .*| [|>&#].*)?$/;
const helps = new Map<string, Promise<string>>();

/** What in a shell block names a script, a subcommand or an option that is not there. */
export async function findUnknown(code: string): Promise<readonly string[]> {
  const lines = code.replaceAll(/\\\n\s*/g, " ").split("\n");
  const unknown = await Promise.all(lines.map((line) => unknownOf(line.trim())));
  return unknown.flat();
}

async function unknownOf(line: string): Promise<readonly string[]> {
  const [, script] = scriptPattern.exec(line) ?? [];
  if (script !== undefined) return (await isScript(script)) ? [] : [`script ${script}`];
  const [, words] = commandPattern.exec(line) ?? [];
  return words === undefined ? [] : unknownOfCommand(words.split(/\s+/));
}

async function isScript(name: string): Promise<boolean> {
  const { scripts } = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
  return pnpmCommands.has(name) || Object.hasOwn(scripts, name);
}

async function unknownOfCommand(words: readonly string[]): Promise<readonly string[]> {
  const command = words.find((word) => /^[a-z]+$/.test(word));
  const help = (await helpOf(command)) + (await helpOf(undefined));
  if (command !== undefined && !help.includes(`Usage: pipehooks ${command}`)) {
    return [`pipehooks ${command}`];
  }
  const options = words.filter((word) => /^--?[a-z]/.test(word)).map((word) => word.split("=")[0]);
  return options
    .filter((option) => !new RegExp(`(?<![\\w-])${option}(?![\\w-])`).test(help))
    .map((option) => `${option} of pipehooks ${command ?? ""}`.trim());
}

function helpOf(command: string | undefined): Promise<string> {
  const known = helps.get(command ?? "");
  if (known !== undefined) return known;
  const args = [join(root, "packages/cli/src/bin.ts"), ...(command ? [command] : []), "--help"];
  const help = execute(process.execPath, args).then(
    ({ stdout }) => stdout,
    () => "",
  );
  helps.set(command ?? "", help);
  return help;
}
