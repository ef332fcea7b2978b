import type { Delivery, HookContext, JsonValue, Severity, SharedValue } from "@pipehooks/core";
import type { EmailSettings } from "./options.ts";
import { incidentThread, type Thread } from "./thread.ts";

/** What earlier mails mean for the next one. */
export interface Told {
  /** Severities of which somebody was told, of this incident. */
  readonly severities: readonly Severity[];
  /** Message-ID of the thread's first mail, where the sending service gave it another one than ours. */
  readonly messageId?: string | undefined;
}

/** Remembers it over restarts and processes. */
export interface ToldMemory {
  read(delivery: Delivery): Promise<Told>;
  /** Before a mail is handed over, for its answer may be lost. */
  begin(delivery: Delivery, severities: readonly Severity[]): Promise<void>;
  /** When the mail was taken. */
  end(delivery: Delivery, messageId: string | undefined): Promise<void>;
}

/** Incidents, and threads, that are remembered; the oldest go first. */
const mostRemembered = 500;

export function createToldMemory({
  settings,
  threadOf,
  shared,
}: {
  readonly settings: Pick<EmailSettings, "domain" | "ses" | "thread" | "toBySeverity">;
  readonly threadOf: (delivery: Delivery) => Thread | undefined;
  readonly shared: HookContext["shared"];
}): ToldMemory {
  const { domain, ses, thread, toBySeverity } = settings;
  const severitiesOf = createEntries<readonly Severity[]>(shared("severities"));
  const messageIds = createEntries<string>(shared("message ids"));

  /** Only severities that go to different people have to be known. They are the incident's, whatever thread its mails are in. */
  const incidentOf = (delivery: Delivery) =>
    toBySeverity === undefined ? undefined : incidentThread(delivery, domain)?.root;
  /** Only SES gives mails ids of its own. */
  const rootOf = (delivery: Delivery) => (ses === undefined ? undefined : threadOf(delivery)?.root);

  return {
    async read(delivery) {
      const incident = incidentOf(delivery);
      const root = rootOf(delivery);
      return {
        severities: incident === undefined ? [] : ((await severitiesOf.read(incident)) ?? []),
        messageId: root === undefined ? undefined : await messageIds.read(root),
      };
    },
    async begin(delivery, severities) {
      const incident = incidentOf(delivery);
      if (incident === undefined) return;
      await severitiesOf.change(incident, (before = []) => [
        ...new Set([...before, ...severities]),
      ]);
    },
    async end(delivery, messageId) {
      const incident = incidentOf(delivery);
      const root = rootOf(delivery);
      const isOver = delivery.alert?.state === "resolved";
      if (incident !== undefined && isOver) await severitiesOf.change(incident, () => undefined);
      if (root === undefined || messageId === undefined) return;
      // A thread of the user's own goes on after an incident.
      const isLast = isOver && thread === undefined;
      await messageIds.change(root, (first) => (isLast ? undefined : (first ?? messageId)));
    },
  };
}

interface Entries<Value> {
  read(key: string): Promise<Value | undefined>;
  /** `undefined` forgets it. */
  change(key: string, change: (before: Value | undefined) => Value | undefined): Promise<void>;
}

/** Values by key, within one that is shared. */
function createEntries<Value extends JsonValue>(shared: SharedValue): Entries<Value> {
  // Only this module writes it.
  const all = (stored: JsonValue | undefined) => (stored ?? {}) as Readonly<Record<string, Value>>;
  return {
    async read(key) {
      let found: Value | undefined;
      await shared.update((stored) => {
        found = all(stored)[key];
        return stored;
      });
      return found;
    },
    async change(key, change) {
      await shared.update((stored) => {
        const { [key]: before, ...others } = all(stored);
        const after = change(before);
        const kept = Object.entries(others).slice(1 - mostRemembered);
        if (after !== undefined) kept.push([key, after]);
        return kept.length === 0 ? undefined : Object.fromEntries(kept);
      });
    },
  };
}
