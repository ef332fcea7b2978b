import type { Clock } from "@pipehooks/core";
import type { Driver, DriverCalls } from "./driver.ts";
import type { Session } from "./driver-sessions.ts";
import type { SentStatement } from "./sql-transport.ts";

/** By what the driver calls a statement that it has sent. */
export type Operation = NonNullable<
  Awaited<ReturnType<DriverCalls["executeStatement"]>>["operationHandle"]
>;

/** What this process knows of the statements at the warehouse: which go on, and which are to be closed. */
export interface Operations {
  /** It goes on, in this session where it was sent from here. */
  seen(id: string, session?: Session): void;
  /** It is over; `operation` is given where the warehouse still keeps it. */
  ended(id: string, operation: Operation | undefined): void;
  /** Nobody waited for it any more, and it may be sent again: it is cancelled and closed. */
  drop(operation: Operation): Promise<void>;
  /** Closes what has been over for a while, and gives up what nobody looks at. */
  sweep(): void;
  /** Closes all that is over. */
  close(signal: AbortSignal): Promise<void>;
}

/** How long a statement that is over stays open, for a process that takes over before its end is stored. */
const keepMs = 60_000;
/** Looks come at most every ten minutes or so: a statement without any for longer is not waited for. */
const unwatchedMs = 15 * 60_000;
const closeMs = 5_000;

export function createOperations({
  driver,
  clock,
}: {
  readonly driver: Driver;
  readonly clock: Clock;
}): Operations {
  const over = new Map<string, { readonly operation: Operation; readonly since: number }>();
  /** Those of another process have no session here. */
  const running = new Map<string, { readonly session: Session; readonly seenAt: number }>();

  const close = async (operation: Operation, signal: AbortSignal): Promise<void> => {
    const send = (calls: DriverCalls) => calls.closeOperation({ operationHandle: operation });
    await driver.call("CloseOperation", send, { signal }).catch(() => {});
  };

  return {
    seen(id, session = running.get(id)?.session) {
      if (session === undefined) return;
      session.running.add(id);
      running.set(id, { session, seenAt: clock.now() });
    },
    ended(id, operation) {
      running.get(id)?.session.running.delete(id);
      running.delete(id);
      if (operation !== undefined) over.set(id, { operation, since: clock.now() });
    },
    async drop(operation) {
      const signal = AbortSignal.timeout(closeMs);
      const cancel = (calls: DriverCalls) => calls.cancelOperation({ operationHandle: operation });
      await driver.call("CancelOperation", cancel, { signal }).catch(() => {});
      await close(operation, signal);
    },
    sweep() {
      for (const [id, { operation, since }] of over) {
        if (clock.now() - since < keepMs) continue;
        over.delete(id);
        void close(operation, AbortSignal.timeout(closeMs));
      }
      for (const [id, { session, seenAt }] of running) {
        if (clock.now() - seenAt < unwatchedMs) continue;
        session.left = true;
        session.running.delete(id);
        running.delete(id);
      }
    },
    async close(signal) {
      const left = [...over.values()];
      over.clear();
      await Promise.all(left.map(({ operation }) => close(operation, signal)));
    },
  };
}

const uuid = /^(.{8})(.{4})(.{4})(.{4})(.{12})$/;

/** Id of a statement, as query history shows it. */
export function toId({ operationId }: Operation): string {
  return operationId.guid.toString("hex").replace(uuid, "$1-$2-$3-$4-$5");
}

/**
 * What a statement is found by, besides its id. The vendor's JDBC driver keeps both for other connections to look
 * (databricks-jdbc, `ThriftStatementId`).
 */
export function toHandle({ operationId }: Operation): string {
  return operationId.secret.toString("hex");
}

export function toOperation({ id, handle = "" }: SentStatement): Operation {
  return {
    operationId: {
      guid: Buffer.from(id.replaceAll("-", ""), "hex"),
      secret: Buffer.from(handle, "hex"),
    },
    // EXECUTE_STATEMENT.
    operationType: 0,
    hasResultSet: true,
  };
}
