import { type ErrorCode, HookError, isHookError } from "@pipehooks/core";
import { BlockedTarget } from "./target.ts";

/** A connection that could not be opened. Hides the codes by which undici would try it again by itself, for ever. */
export class ConnectFailure extends Error {
  override readonly name = "ConnectFailure";
  readonly code = "CONNECT_FAILED";
}

/** A proxy that answered `CONNECT` with something else than 200. */
export class ProxyRefusal extends Error {
  override readonly name = "ProxyRefusal";
  readonly code = "PROXY_REFUSED";
  readonly status: number;

  constructor(status: number) {
    super(`The proxy answered ${status} to CONNECT`);
    this.status = status;
  }
}

interface Failure {
  readonly code: ErrorCode;
  readonly what: string;
  readonly retryable: boolean;
}

// https://docs.openssl.org/master/man3/X509_STORE_CTX_get_error/, as Node names them
const untrusted =
  /^(?:CERT_|CRL_|ERROR_IN_C|UNABLE_TO_|DEPTH_ZERO_SELF|SELF_SIGNED_|INVALID_(?:CA|PURPOSE)|HOSTNAME_MISMATCH|PATH_LENGTH|ERR_TLS_CERT)/;
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

function describe(error: unknown): Failure {
  const code = codeOf(error);
  const unreachable = (what: string): Failure => ({
    code: "RECEIVER_UNREACHABLE",
    what,
    retryable: true,
  });
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
      : unreachable(`was not reached by the proxy, which answered ${error.status}`);
  }
  if (untrusted.test(code)) {
    return {
      code: "RECEIVER_UNTRUSTED",
      what: `showed a certificate that is not trusted (${code}). Give its issuer in "tls.ca", or have it renewed`,
      retryable: false,
    };
  }
  if (clientRefused.test(code)) {
    return {
      code: "RECEIVER_REFUSED",
      what: `does not accept the client certificate (${code}). Check "tls.cert" and "tls.key"`,
      retryable: false,
    };
  }
  if (code.startsWith("HPE_") || code === "UND_ERR_HEADERS_OVERFLOW") {
    return {
      code: "RECEIVER_FAILED",
      what: `answered something that is no HTTP (${code})`,
      retryable: true,
    };
  }
  if (code === "UND_ERR_INVALID_ARG" || code === "ERR_INVALID_CHAR") {
    return {
      code: "REQUEST_INVALID",
      what: "cannot be sent this request: a header or the path has a character that HTTP does not carry",
      retryable: false,
    };
  }
  switch (code) {
    case "ENOTFOUND":
    case "ENODATA":
    case "EAI_AGAIN":
      return unreachable(`was not found by name (${code})`);
    case "ECONNREFUSED":
      return unreachable("refused the connection (ECONNREFUSED)");
    case "UND_ERR_SOCKET":
    case "ECONNRESET":
    case "EPIPE":
      return unreachable(`closed the connection before it had answered (${code})`);
    case "UND_ERR_CONNECT_TIMEOUT":
    case "ETIMEDOUT":
      return unreachable("could not be connected to in time");
    default:
      return unreachable(`could not be reached (${code === "" ? "no code" : code})`);
  }
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return "";
  const code = Reflect.get(error, "code");
  if (typeof code === "string") return code;
  return error instanceof AggregateError ? codeOf(error.errors[0]) : "";
}
