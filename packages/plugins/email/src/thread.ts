import { hash } from "node:crypto";
import type { Delivery, JsonObject, Severity, SharedValue } from "@pipehooks/core";

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

/** What has to be remembered of a thread, over restarts and processes. */
export interface Told {
  /** Severities of which somebody was told. */
  readonly severities: readonly Severity[];
  /** Message-ID of the first mail, where the sending service gave it another one than ours. */
  readonly messageId?: string | undefined;
}

export interface ThreadMemory {
  read(root: string): Promise<Told>;
  add(root: string, told: Partial<Told>): Promise<void>;
  forget(root: string): Promise<void>;
}

/** Threads that are remembered; the oldest go first. */
const mostThreads = 500;

export function createThreadMemory(shared: SharedValue): ThreadMemory {
  return {
    async read(root) {
      let told: Told = { severities: [] };
      await shared.update((value) => {
        told = toldOf(value, root);
        return value;
      });
      return told;
    },
    async add(root, { severities = [], messageId }) {
      await shared.update((value) => {
        const before = toldOf(value, root);
        const { [root]: _moved, ...others } = threadsOf(value);
        const first = before.messageId ?? messageId;
        const told: JsonObject = {
          severities: [...new Set([...before.severities, ...severities])],
          ...(first !== undefined && { messageId: first }),
        };
        const kept = Object.entries(others).slice(1 - mostThreads);
        return Object.fromEntries([...kept, [root, told]]);
      });
    },
    async forget(root) {
      await shared.update((value) => {
        const { [root]: _gone, ...others } = threadsOf(value);
        return Object.keys(others).length === 0 ? undefined : others;
      });
    },
  };
}

type Stored = Parameters<Parameters<SharedValue["update"]>[0]>[0];

function threadsOf(value: Stored): JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as JsonObject)
    : {};
}

function toldOf(value: Stored, root: string): Told {
  // Only this module writes it.
  return (threadsOf(value)[root] as unknown as Told | undefined) ?? { severities: [] };
}
