const secretValue =
  /((?:["']?)[\w-]*(?:token|secret|password|passwd|authorization|api[_-]?key|private[_-]?key|credential)[\w-]*(?:["']?)\s*:\s*)("[^"]*"?|'[^']*'?|[^\s,{}[\]#][^,{}#]*)/gi;

const urlPassword = /(\/\/[^\s:/@]*:)([^\s@/]+)(?=@)/g;

/** A line as it may be shown: what follows a key that names a secret is masked, its length kept for the caret. */
export function maskLine(line: string): string {
  const mask = (whole: string, before: string, value: string) =>
    value.includes("${") ? whole : before + value.replaceAll(/[^"'\s]/g, "*");
  return line.replaceAll(secretValue, mask).replaceAll(urlPassword, mask);
}
