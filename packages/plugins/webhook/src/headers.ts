/** One thing wrong with the header called `name`. */
export interface HeaderProblem {
  readonly name: string;
  readonly message: string;
}

const namePattern = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
// What RFC 9110 §5.5 allows: tab, no other control character.
const valuePattern = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Headers that frame the message, or that the client, the proxy and the signature own. */
const refused = new Set([
  ..."host content-length transfer-encoding connection keep-alive upgrade te trailer expect".split(
    " ",
  ),
  ..."accept-encoding content-encoding".split(" "),
]);
const refusedPrefixes = ["proxy-", "webhook-"];

/** Everything wrong with custom headers; a value is never quoted, it may be a secret. */
export function findHeaderProblems(headers: Readonly<Record<string, string>>): HeaderProblem[] {
  const seen = new Set<string>();
  return Object.entries(headers).flatMap(([name, value]) => {
    const problems: HeaderProblem[] = [];
    const refuse = (message: string) => problems.push({ name, message });
    const lower = name.toLowerCase();
    if (!namePattern.test(name)) refuse("is not a header name; letters, digits and dashes are");
    if (refused.has(lower) || refusedPrefixes.some((prefix) => lower.startsWith(prefix))) {
      refuse("is set by the webhook itself and cannot be given");
    }
    if (seen.has(lower)) refuse("is there twice, in different case");
    seen.add(lower);
    if (!valuePattern.test(value)) {
      refuse("has a value with a line break, a control character or one beyond Latin-1");
    }
    return problems;
  });
}

/** Whether a header's value is a secret, told by its name. */
export function isSecretHeader(name: string): boolean {
  return /^cookie$|authorization|key|token|secret|password|signature/i.test(name);
}
