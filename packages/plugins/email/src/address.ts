import { domainToASCII } from "node:url";
import { cutText } from "./headers.ts";

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

/** What comes behind the @, in lower case and in its ASCII form, as ids and headers want it: `xn--mller-kva.example`. */
export function domainOf({ address }: Mailbox): string {
  const domain = address.slice(address.lastIndexOf("@") + 1);
  return domainToASCII(domain) || domain.toLowerCase();
}

/** Characters that a message shows of what is no address. */
export const mostQuoted = 80;
/** Of an address with its name. */
const mostCharacters = 2048;

// Letters of any script may stand in it: whether they can be sent is for the server to say (SMTPUTF8).
const addressPattern = /^[^\s<>()[\],;:\\"@\p{Cc}]{1,64}@[^\s<>()[\],;:\\"@\p{Cc}]{1,253}$/u;

function parseMailbox(part: string): Mailbox {
  const shown = () => JSON.stringify(cutText(part, mostQuoted));
  if (part.length > mostCharacters) {
    throw new Error(
      `has ${shown()}, which has ${part.length} characters, where an address has ${mostCharacters} at most`,
    );
  }
  const [, quoted, bare, inside] =
    /^(?:"((?:[^"\\]|\\.)*)"\s*|([^"<>]*))<([^<>]*)>$/.exec(part) ?? [];
  const address = (inside ?? part).trim();
  if (!addressPattern.test(address) || address.includes("..")) {
    throw new Error(
      `has ${shown()}, which is no address; write a@example.com or Name <a@example.com>`,
    );
  }
  const name = (quoted?.replace(/\\(.)/g, "$1") ?? bare ?? "").replace(/\p{Cc}+/gu, " ").trim();
  return { name: name === "" ? undefined : name, address };
}

/** The parts between commas or semicolons, without those within quotes. */
function split(text: string): string[] {
  const parts: string[] = [];
  let start = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const letter = text[at];
    if (letter === '"') quoted = !quoted;
    // What stands behind it means itself.
    else if (letter === "\\" && quoted) at += 1;
    else if ((letter === "," || letter === ";") && !quoted) {
      parts.push(text.slice(start, at));
      start = at + 1;
    }
  }
  parts.push(text.slice(start));
  return parts.map((each) => each.trim()).filter((each) => each !== "");
}
