/** One mailbox: `{ name: "Data team", address: "data@example.com" }`. */
export interface Mailbox {
  readonly name: string | undefined;
  readonly address: string;
}

/**
 * Reads `a@b.c`, `Data team <a@b.c>` or several of them with commas between; a name with a comma stands in quotes.
 * @throws Error that says which part is no address
 */
export function parseMailboxes(text: string): readonly Mailbox[] {
  const parts = split(text);
  if (parts.length === 0) throw new Error("is empty, where an address should be");
  return parts.map(parseMailbox);
}

/** The same for exactly one. */
export function parseSingleMailbox(text: string): Mailbox {
  const [first, ...more] = parseMailboxes(text);
  if (first === undefined || more.length > 0) throw new Error("has several addresses, not one");
  return first;
}

/** The mailbox as people write it. */
export function formatMailbox({ name, address }: Mailbox): string {
  if (name === undefined) return address;
  const plain = /^[\p{L}\p{N} !#$%&'*+/=?^_`{|}~-]+$/u.test(name);
  return `${plain ? name : `"${name.replace(/["\\]/g, "\\$&")}"`} <${address}>`;
}

/** What comes behind the @, in lower case. */
export function domainOf({ address }: Mailbox): string {
  return address.slice(address.lastIndexOf("@") + 1).toLowerCase();
}

// Letters of any script may stand in it: whether they can be sent is for the server to say (SMTPUTF8).
const addressPattern = /^[^\s<>()[\],;:\\"@\p{Cc}]{1,64}@[^\s<>()[\],;:\\"@\p{Cc}]{1,253}$/u;

function parseMailbox(part: string): Mailbox {
  const [, quoted, bare, inside] =
    /^(?:"((?:[^"\\]|\\.)*)"|([^"<>]*?))\s*<([^<>]*)>$/.exec(part) ?? [];
  const address = (inside ?? part).trim();
  if (!addressPattern.test(address) || address.includes("..")) {
    throw new Error(
      `has ${JSON.stringify(part)}, which is no address; write a@example.com or Name <a@example.com>`,
    );
  }
  const name = (quoted?.replace(/\\(.)/g, "$1") ?? bare ?? "").replace(/\p{Cc}+/gu, " ").trim();
  return { name: name === "" ? undefined : name, address };
}

function split(text: string): string[] {
  const parts: string[] = [];
  let part = "";
  let quoted = false;
  for (const [index, letter] of [...text].entries()) {
    if (letter === '"' && [...text][index - 1] !== "\\") quoted = !quoted;
    if ((letter === "," || letter === ";") && !quoted) {
      parts.push(part);
      part = "";
    } else {
      part += letter;
    }
  }
  parts.push(part);
  return parts.map((each) => each.trim()).filter((each) => each !== "");
}
