import { isUtf8 } from "node:buffer";
import { readFileSync } from "node:fs";
import { HookError, messageOf } from "@pipehooks/core";
import { ConfigError, Problems } from "./problem.ts";

/**
 * Reads a file that people write: UTF-8, with or without the byte order mark that Windows puts in front.
 * @throws ConfigError naming the place that is no UTF-8
 * @throws HookError CONFIG_INVALID where it cannot be read
 */
export function readTextFile(file: string): string {
  const bytes = readBytes(file);
  const text = bytes.toString("utf8").replace(/^\uFEFF/, "");
  if (isUtf8(bytes)) return text;
  const problems = new Problems(file, text);
  const message = "The file is not in UTF-8: here it cannot be read. Save it as UTF-8.";
  problems.add({ at: text.indexOf("\uFFFD"), path: "", message });
  throw new ConfigError(problems.errors((said) => said, undefined));
}

function readBytes(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    const code = String(Reflect.get(Object(cause), "code"));
    const why = { ENOENT: "it does not exist", EISDIR: "it is a folder" }[code] ?? messageOf(cause);
    throw new HookError("CONFIG_INVALID", `${file} cannot be read: ${why}.`, { cause });
  }
}
