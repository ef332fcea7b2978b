import { hash } from "node:crypto";
import type { Delivery } from "@pipehooks/core";

/** Which mails belong together. */
export interface Thread {
  /** Message-ID that all of them refer to. */
  readonly root: string;
  /** Whether this mail has that id itself. */
  readonly first: boolean;
}

/** The incident of an alert; its first mail's id can be told from the incident alone. */
export function incidentThread({ alert, hook }: Delivery, domain: string): Thread | undefined {
  if (alert === undefined) return undefined;
  const root = idOf("incident", [hook, alert.key ?? "", alert.incident], domain);
  return { root, first: alert.state === "opened" };
}

/** The thread of a value that the user chose. */
export function namedThread(hook: string, value: string, domain: string): Thread {
  return { root: idOf("thread", [hook, value], domain), first: false };
}

/** The id of a mail: the same on every attempt, so that receivers can tell a mail that they have already. */
export function messageIdOf({ idempotencyKey }: Delivery, domain: string): string {
  return `<${idempotencyKey}@${domain}>`;
}

function idOf(kind: string, parts: readonly string[], domain: string): string {
  return `<${kind}.${hash("sha256", parts.join("\u0000"), "hex").slice(0, 32)}@${domain}>`;
}
