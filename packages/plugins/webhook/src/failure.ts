import {
  describeFailure,
  type Failure,
  failureCodeOf,
  HookError,
  isHookError,
} from "@pipehooks/core";
import { BlockedTarget } from "@pipehooks/core/targets";

/** A proxy that answered `CONNECT` with something else than 2xx. */
export class ProxyRefusal extends Error {
  override readonly name = "ProxyRefusal";
  readonly code = "PROXY_REFUSED";
  readonly status: number;

  constructor(status: number) {
    super(`The proxy answered ${status} to CONNECT`);
    this.status = status;
  }
}

const clientRefused =
  /^ERR_SSL_.*ALERT_(?:CERTIFICATE|BAD_CERTIFICATE|UNKNOWN_CA|ACCESS_DENIED|UNSUPPORTED_CERTIFICATE)/;

/** Whose request failed; messages show no more of the URL than its host. */
export interface Where {
  readonly hook: string;
  readonly host: string;
}

/** What went wrong without an answer. */
export function toFailure(error: unknown, { hook, host }: Where): HookError {
  const { code, what, retryable } = describe(error);
  // The address that was found stays with the operator: neither message nor cause has it.
  const cause = error instanceof BlockedTarget ? undefined : error;
  return new HookError(code, `${hook}: ${host} ${what}.`, { retryable, cause });
}

/** What the signal says: core aborts with the error to throw, others with anything. */
export function toAborted(reason: unknown, { hook, host }: Where): HookError {
  if (isHookError(reason)) return reason;
  const isTimeout = reason instanceof Error && reason.name === "TimeoutError";
  return isTimeout
    ? new HookError("TIMEOUT", `${hook}: ${host} did not answer in time.`, { retryable: true })
    : new HookError("ABORTED", `${hook}: the attempt at ${host} was aborted.`, { retryable: true });
}

/** What only a webhook can meet (a blocked target, a proxy, a client certificate), and then what any request can. */
function describe(error: unknown): Failure {
  if (error instanceof BlockedTarget) {
    return { code: "TARGET_BLOCKED", what: error.message, retryable: false };
  }
  if (error instanceof ProxyRefusal) {
    return error.status === 407
      ? {
          code: "RECEIVER_REFUSED",
          what: 'is behind a proxy that wants credentials (407). Write them into "proxy"',
          retryable: false,
        }
      : {
          code: "RECEIVER_UNREACHABLE",
          what: `was not reached by the proxy, which answered ${error.status}`,
          retryable: true,
        };
  }
  const code = failureCodeOf(error);
  if (clientRefused.test(code)) {
    return {
      code: "RECEIVER_REFUSED",
      what: `does not accept the client certificate (${code}). Check "tls.cert" and "tls.key"`,
      retryable: false,
    };
  }
  return describeFailure(error, '"tls.ca"');
}
