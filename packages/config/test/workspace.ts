import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { isConfigError, type LoadedConfig, loadConfig, type Problem } from "@pipehooks/config";
import { onTestFinished } from "vitest";

/** Where the packages of the workspace are seen from. */
export const resolveFrom: readonly string[] = [
  fileURLToPath(new URL("../../../package.json", import.meta.url)),
];

/** Path of a file under `fixtures`. */
export function fixture(name: string): string {
  return fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url));
}

/** A folder that goes with the test, holding the given files. */
export function folderWith(files: Readonly<Record<string, string | Uint8Array>>): string {
  const folder = mkdtempSync(join(tmpdir(), "pipehooks-config-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  return folder;
}

/** Loads YAML text from a file in a folder of its own. */
export function loadText(
  text: string,
  {
    env = {},
    files = {},
  }: {
    readonly env?: Readonly<Record<string, string>>;
    readonly files?: Readonly<Record<string, string | Uint8Array>>;
  } = {},
): Promise<LoadedConfig> {
  const folder = folderWith({ ...files, "pipehooks.yaml": text });
  return loadConfig({ file: join(folder, "pipehooks.yaml"), env, resolveFrom });
}

/** The problems of YAML text. */
export async function problemsOf(
  text: string,
  context: Parameters<typeof loadText>[1] = {},
): Promise<readonly Problem[]> {
  try {
    await loadText(text, context);
    return [];
  } catch (error) {
    if (isConfigError(error)) return error.problems;
    throw error;
  }
}

/** A file with one hook of the recorder kind; `more` is put into the hook, `options` into its options. */
export function withHook(more = "", options = ""): string {
  const indented = (text: string, by: number) =>
    text
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => `${" ".repeat(by)}${line}\n`)
      .join("");
  return `version: 1
plugins: [${fixture("recorder.ts")}]
hooks:
  - name: log
    kind: recorder
${more.includes("events:") ? "" : '    events: ["*"]\n'}${indented(more, 4)}    options:
      output_file: out.ndjson
${indented(options, 6)}`;
}

/** A file with one hook with a gate; without `events` it has those of pipelines, unless the gate names some itself. */
export function withGate(hook: string, options = ""): string {
  if (/^events:/m.test(hook)) return withHook(hook, options);
  if (!/^(?:join|absence):/m.test(hook)) return withHook(`events: "pipeline.*"\n${hook}`, options);
  return withHook(hook, options).replace('    events: ["*"]\n', "");
}
