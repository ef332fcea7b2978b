const secretName =
  /(?:token|secret|password|passwd|(?<![\w-])pass(?![\w-])|authorization|bearer|api[_-]?key|private[_-]?key|routing[_-]?key|credential)[\w-]*/;
const value = /"[^"]*"?|'[^']*'?|\[[^\]]*\]?|(?:\$\{[^}]*\}|[^\s,{}[\]#])(?:\$\{[^}]*\}|[^,{}#])*/;

const secretKey = new RegExp(`${secretName.source}["']?\\s*:`, "i");
const secretValue = new RegExp(`(${secretKey.source}\\s*)(${value.source})`, "gi");
const secretPath = new RegExp(`${secretName.source}"?(?:\\[\\d+\\])*$`, "i");
const secretParameter = /([?&][\w.-]*(?:token|secret|sig|key|code|pass)[\w.-]*=)([^&\s"'#]+)/gi;
const urlPassword = /(\/\/[^\s:/@]*:)([^\s@/]+)(?=@)/g;

/**
 * A line as it may be shown: what follows a key that names a secret is masked but for references, its length kept for
 * the caret. `path` is that of the value in question, whose key may stand on a line above.
 */
export function maskLine(line: string, path: string): string {
  if (secretPath.test(path) && !secretKey.test(line)) {
    return line.replace(/^([\s-]*)(.*)$/, masked);
  }
  return line
    .replaceAll(secretValue, masked)
    .replaceAll(secretParameter, masked)
    .replaceAll(urlPassword, masked);
}

function masked(_whole: string, before: string, secret: string): string {
  const shown = secret.startsWith("[") ? /\$\{[^}]*\}|[^"'\s[\],]/g : /\$\{[^}]*\}|[^"'\s]/g;
  return before + secret.replaceAll(shown, (part) => (part.length > 1 ? part : "*"));
}
