import { eventFields } from "@pipehooks/core";
import { isSecretName } from "./secret-name.ts";

const reference = /\$\{[^{}]*\}/.source;
const enclosed = /"(?:\\.|[^"\\])*"?|'[^']*'?|\[(?:"[^"]*"|'[^']*'|[^\]"'])*\]?/.source;
// Behind the first key of a line the value ends with the line, behind others where a flow collection goes on.
const lineValue = `${enclosed}|(?:${reference}|[^\\s{#])(?:${reference}|(?!\\s#).)*`;
const flowValue = `${enclosed}|(?:${reference}|[^\\s,{}[\\]#])(?:${reference}|[^,{}#]|(?<=\\S)#)*`;

const key = /(?<![\w-])[\w-]+(?=["']?\s*:)/g;
const lastKey = /([\w-]+)"?(?:\[\d+\])*$/;
const secretParameter = /([?&;][\w.-]*(?:token|secret|sig|key|code|pass)[\w.-]*=)([^&;\s"'#]+)/gi;
const signingKey = /(wh(?:sec|sk)_)([\w+/=-]+)/g;
const user = `(?:${reference}|[^\\s:/@"'{},[\\]])*`;
const userPassword = new RegExp(
  `((?<![^\\s:/@"'{},[\\]])${user}:)((?!//)(?:${reference}|[^\\s"'])+)(?=@)`,
  "g",
);

/** What names a place in an event, and a word of JSON, is no secret whatever the key. */
const harmless = new RegExp(
  `^["']?(?:true|false|null|(?:event\\.)?(?:${eventFields.join("|")})(?:\\.[\\w-]+)*)["']?\\s*$`,
);

/**
 * A line as it may be shown: what follows a key that names a secret is masked but for references, its length kept for
 * the caret, and so is what looks like a signing key or a password. `path` is that of the value in question, whose key
 * may stand on a line above.
 */
export function maskLine(line: string, path: string): string {
  const names = [...new Set(line.match(key))].filter(isSecretName);
  if (names.length === 0 && isSecretName(lastKey.exec(path)?.[1] ?? "")) {
    return line.replace(/^([\s-]*)(.*)$/, masked);
  }
  return maskBehind(names, line)
    .replaceAll(signingKey, masked)
    .replaceAll(secretParameter, masked)
    .replaceAll(userPassword, masked);
}

function maskBehind(names: readonly string[], line: string): string {
  if (names.length === 0) return line;
  const named = `(?<![\\w-])(?:${names.join("|")})["']?\\s*:\\s*`;
  return line
    .replace(new RegExp(`^([\\s-]*["']?${named})(${lineValue})`), masked)
    .replaceAll(new RegExp(`(${named})(${flowValue})`, "g"), masked);
}

function masked(_whole: string, before: string, secret: string): string {
  if (harmless.test(secret)) return before + secret;
  const shown = secret.startsWith("[") ? /\$\{[^}]*\}|[^"'\s[\],]/g : /\$\{[^}]*\}|[^"'\s]/g;
  return before + secret.replaceAll(shown, (part) => (part.length > 1 ? part : "*"));
}
