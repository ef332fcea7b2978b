import { type ErrorCode, messageOf } from "./errors.ts";

/** A connection that could not be opened. Hides the codes by which undici would try it again by itself, for ever. */
export class ConnectFailure extends Error {
  override readonly name = "ConnectFailure";
  readonly code = "CONNECT_FAILED";
}

/** A failure in words, with whether another attempt is worth it. */
export interface Failure {
  readonly code: ErrorCode;
  /** Goes on behind the host: `refused the connection (ECONNREFUSED)`. */
  readonly what: string;
  readonly retryable: boolean;
}

// https://docs.openssl.org/master/man3/X509_STORE_CTX_get_error/, as Node names them
const untrusted =
  /^(?:CERT_|CRL_|ERROR_IN_C|UNABLE_TO_|DEPTH_ZERO_SELF|SELF_SIGNED_|INVALID_(?:CA|PURPOSE)|HOSTNAME_MISMATCH|PATH_LENGTH|ERR_TLS_CERT)/;

/** undici's HTTPParserError often lacks its `HPE_` code. */
const noHttp = /^HPE_|^HTTPParserError$|^UND_ERR_HEADERS_OVERFLOW$/;

/** Informational answers at which undici ends the connection, by what it says of that. */
const unasked: Readonly<Record<string, string>> = {
  "bad response": "100 Continue",
  "bad upgrade": "101 Switching Protocols",
};

/**
 * What went wrong where there was no whole answer.
 * @param issuerIn where a user gives the issuer of a certificate that is not trusted
 */
export function describeFailure(error: unknown, issuerIn = "NODE_EXTRA_CA_CERTS"): Failure {
  const code = failureCodeOf(error);
  const unreachable = (what: string): Failure => ({
    code: "RECEIVER_UNREACHABLE",
    what,
    retryable: true,
  });
  if (untrusted.test(code)) {
    return {
      code: "RECEIVER_UNTRUSTED",
      what: `showed a certificate that is not trusted (${code}). Give its issuer in ${issuerIn}, or have it renewed`,
      retryable: false,
    };
  }
  if (noHttp.test(code)) {
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
  const informational = code === "UND_ERR_SOCKET" ? unasked[messageOf(error)] : undefined;
  if (informational !== undefined) {
    return {
      code: "RECEIVER_FAILED",
      what: `answered ${informational} unasked, and no final answer is read behind that. Have it, or the proxy before it, leave it out`,
      retryable: true,
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
    case "UND_ERR_RES_CONTENT_LENGTH_MISMATCH":
      return unreachable(`closed the connection in the middle of its answer (${code})`);
    case "UND_ERR_CONNECT_TIMEOUT":
    case "ETIMEDOUT":
      return unreachable("could not be connected to in time");
    default:
      return unreachable(`could not be reached (${code === "" ? "no code" : code})`);
  }
}

/** The code of what went wrong, behind whatever wraps it; where there is none empty, or undici's name for what is no HTTP. */
export function failureCodeOf(error: unknown): string {
  if (!(error instanceof Error)) return "";
  if (error instanceof ConnectFailure) return failureCodeOf(error.cause);
  const code = Reflect.get(error, "code");
  if (typeof code === "string") return code;
  if (error.name === "HTTPParserError") return error.name;
  return error instanceof AggregateError ? failureCodeOf(error.errors[0]) : "";
}
