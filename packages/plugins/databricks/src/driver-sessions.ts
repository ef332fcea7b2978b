import { type HookContext, type HookError, JsonApiError, messageOf } from "@pipehooks/core";
import type { Driver, DriverCalls } from "./driver.ts";
import { toAborted } from "./driver-failure.ts";
import { isSuccess, textOf } from "./driver-status.ts";
import { createSingleFlight } from "./single-flight.ts";
import { withoutEffect } from "./sql-client.ts";
import type { SqlPlace } from "./sql-transport.ts";
import { statusOf, type Workspace } from "./workspace.ts";

/** A session at the warehouse. Statements may run in it side by side. */
export interface Session {
  readonly handle: NonNullable<Awaited<ReturnType<DriverCalls["openSession"]>>["sessionHandle"]>;
  readonly takesParameters: boolean;
  /** Statements that run in it: closing it would end them. */
  readonly running: Set<string>;
  /** One may run in it that nobody looks at, so it is never closed from here. */
  left: boolean;
}

export interface Sessions {
  /**
   * The session, opened where there is none.
   * @throws HookError of which `effectOf` says `none`
   */
  get(signal: AbortSignal): Promise<Session>;
  /** The warehouse does not know it any more. */
  forget(session: Session): void;
  /** After how many ms to try again, where a failure of `get` says that the warehouse is not up yet. */
  notUpForMs(error: HookError): number | undefined;
  close(signal: AbortSignal): Promise<void>;
}

/** Warehouses stop by themselves, and end idle sessions: one that was not used for longer is not relied upon. */
const idleMs = 5 * 60_000;
/** As long as that a warehouse may say that it is not there yet. */
const longestStartMs = 15 * 60_000;
const usualWaitMs = 10_000;
/** How long is waited for a session to be closed that nobody uses any more. */
const closeMs = 5_000;
/** SPARK_CLI_SERVICE_PROTOCOL_V8, the first that takes parameters; servers below it drop them without a word. */
const withParameters = 42248;

/** One session for all deliveries of a hook, opened when it is needed and opened anew when it has ended. */
export function createSessions(parts: {
  readonly driver: Driver;
  readonly workspace: Workspace;
  readonly place: SqlPlace;
  readonly context: HookContext;
}): Sessions {
  const { driver, workspace, context } = parts;
  const { warehouseId, catalog, schema } = parts.place;
  const { name, clock, logger } = context;
  const notUp = new WeakMap<HookError, number>();
  let current: Session | undefined;
  let usedAt = 0;
  let notUpSince: number | undefined;

  /**
   * Asked for over REST first: a network that answers with a page to log in, a token or a certificate that is no good are told
   * there in words, while the driver waits for ever or says nothing that one could go by.
   */
  const reach = async (signal: AbortSignal): Promise<void> => {
    try {
      await workspace.call("GET", `/api/2.0/sql/warehouses/${warehouseId}`, { signal });
    } catch (error) {
      // To use a warehouse takes less than to read about it.
      if (statusOf(error) !== 403) throw error;
      logger.debug(`${name}: ${messageOf(error)}`);
    }
  };

  const open = async (signal: AbortSignal): Promise<Session> => {
    await withoutEffect(() => reach(signal));
    const request = {
      client_protocol_i64: withParameters,
      canUseMultipleCatalogs: true,
      configuration: {},
      ...((catalog !== undefined || schema !== undefined) && {
        initialNamespace: {
          ...(catalog !== undefined && { catalogName: catalog }),
          ...(schema !== undefined && { schemaName: schema }),
        },
      }),
    };
    const { status, sessionHandle, serverProtocolVersion } = await withoutEffect(() =>
      driver.call("OpenSession", (calls) => calls.openSession(request), {
        signal,
        onLate: ({ sessionHandle: late }) => void closeSoon(late),
      }),
    );
    // What an answer lacks is null, whatever the driver's types say.
    if (!isSuccess(status) || !sessionHandle) {
      const isWrong = status.sqlState?.startsWith("42") === true;
      throw new JsonApiError(
        isWrong ? "RECEIVER_REFUSED" : "RECEIVER_FAILED",
        workspace.hide(`${name}: ${workspace.hostName} opened no session: ${textOf(status)}`),
        { effect: "none", retryable: !isWrong },
      );
    }
    notUpSince = undefined;
    current = {
      handle: sessionHandle,
      takesParameters: serverProtocolVersion >= withParameters,
      running: new Set(),
      left: false,
    };
    return current;
  };
  const opening = createSingleFlight(open);

  const closeHandle = async (handle: Session["handle"] | undefined, signal: AbortSignal) => {
    if (!handle) return;
    const close = (calls: DriverCalls) => calls.closeSession({ sessionHandle: handle });
    await driver.call("CloseSession", close, { signal }).catch(() => {});
  };

  const closeSoon = (handle: Session["handle"] | undefined) =>
    closeHandle(handle, AbortSignal.timeout(closeMs));

  /** A 503 of OpenSession; while it may be a start, it is waited for and is no failed attempt. */
  const noticed = (error: unknown): unknown => {
    if (!(error instanceof JsonApiError) || error.answer?.status !== 503) return error;
    notUpSince ??= clock.now();
    if (clock.now() - notUpSince > longestStartMs) return error;
    const { code, message, retryAfterMs = usualWaitMs, answer } = error;
    // It says nothing of the workspace as a whole.
    const own = new JsonApiError(code, message, {
      ...{ retryable: true, retryAfterMs, answer, effect: "none" },
    });
    notUp.set(own, retryAfterMs);
    return own;
  };

  return {
    async get(signal) {
      const now = clock.now();
      const old = current;
      if (old !== undefined && now - usedAt > idleMs) {
        current = undefined;
        if (mayClose(old)) void closeSoon(old.handle);
      }
      usedAt = now;
      if (current !== undefined) return current;
      try {
        return await opening.join(signal);
      } catch (error) {
        if (!signal.aborted) throw noticed(error);
        const aborted = { name, workspace, now: () => clock.now(), effect: "none" } as const;
        throw toAborted(signal, "OpenSession", aborted);
      }
    },
    forget(session) {
      if (current === session) current = undefined;
    },
    notUpForMs: (error) => notUp.get(error),
    async close(signal) {
      opening.cut();
      // What runs in it goes on, for the next process to look at.
      if (current !== undefined && mayClose(current)) await closeHandle(current.handle, signal);
      current = undefined;
    },
  };
}

function mayClose({ running, left }: Session): boolean {
  return running.size === 0 && !left;
}
