const secretValue =
  /((?:["']?)[\w-]*(?:token|secret|password|passwd|authorization|api[_-]?key|private[_-]?key|credential)[\w-]*(?:["']?)\s*:\s*)("[^"]*"?|'[^']*'?|(?:\$\{[^}]*\}|[^\s,{}[\]#])(?:\$\{[^}]*\}|[^,{}#])*)/gi;

const urlPassword = /(\/\/[^\s:/@]*:)([^\s@/]+)(?=@)/g;

/** A line as it may be shown: what follows a key that names a secret is masked but for references, its length kept for the caret. */
export function maskLine(line: string): string {
  const mask = (_whole: string, before: string, value: string) =>
    before + value.replaceAll(/\$\{[^}]*\}|[^"'\s]/g, (part) => (part.length > 1 ? part : "*"));
  return line.replaceAll(secretValue, mask).replaceAll(urlPassword, mask);
}
