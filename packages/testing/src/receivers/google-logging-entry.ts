import { createPublicKey, verify } from "node:crypto";
import { type GoogleLogEntry, structToJson } from "./google-logging-wire.ts";

/** Names of gRPC's codes that say no. */
export type GrpcFailure =
  | "CANCELLED"
  | "UNKNOWN"
  | "INVALID_ARGUMENT"
  | "DEADLINE_EXCEEDED"
  | "NOT_FOUND"
  | "PERMISSION_DENIED"
  | "RESOURCE_EXHAUSTED"
  | "FAILED_PRECONDITION"
  | "ABORTED"
  | "UNIMPLEMENTED"
  | "INTERNAL"
  | "UNAVAILABLE"
  | "UNAUTHENTICATED";

const day = 86_400_000;
/** The limits of https://docs.cloud.google.com/logging/quotas */
const mostEntryBytes = 262_144;
const mostLabels = 64;
const mostLabelKey = 512;
const mostLabelValue = 65_536;

export interface Refused {
  readonly code: GrpcFailure;
  readonly details: string;
}

export interface RawRequest {
  readonly logName: string;
  readonly resource?: { readonly type: string; readonly labels: Record<string, string> } | null;
  readonly labels: Record<string, string>;
}

export interface RawEntry extends RawRequest {
  readonly insertId: string;
  readonly timestamp?: { readonly seconds: number; readonly nanos: number } | null;
  readonly severity: string;
  readonly trace: string;
  readonly spanId: string;
  readonly traceSampled: boolean;
  readonly payload?: string;
  readonly textPayload?: string;
  readonly jsonPayload?: unknown;
}

/** What the request says holds for entries that do not say it themselves. */
export function toEntry(given: RawEntry, request: RawRequest, now: number): GoogleLogEntry {
  const { seconds = Math.floor(now / 1000), nanos = 0 } = given.timestamp ?? {};
  const { insertId, severity, trace, spanId, traceSampled } = given;
  const labels = { ...request.labels, ...given.labels };
  return {
    logName: given.logName || request.logName,
    insertId,
    timestamp: `${new Date(seconds * 1000).toISOString().slice(0, 19)}.${String(nanos).padStart(9, "0")}Z`,
    severity,
    resource: given.resource ?? request.resource ?? { type: "", labels: {} },
    labels: Object.fromEntries(
      Object.entries(labels).map(([key, value]) => [
        key,
        Buffer.from(value).toString("utf8", 0, mostLabelValue),
      ]),
    ),
    trace,
    spanId,
    traceSampled,
    ...(given.payload === "textPayload" && { textPayload: given.textPayload ?? "" }),
    ...(given.payload === "jsonPayload" && { jsonPayload: structToJson(given.jsonPayload) }),
  };
}

export function whyRefused(
  entry: GoogleLogEntry,
  { bytes, projects, now }: { bytes: number; projects: readonly string[]; now: number },
): Refused | undefined {
  const [, project = "", log] =
    /^projects\/([^/]+)\/logs\/([A-Za-z0-9_.%-]+)$/.exec(entry.logName) ?? [];
  if (log === undefined)
    return { code: "INVALID_ARGUMENT", details: `Invalid log name "${entry.logName}"` };
  if (!projects.includes(project)) {
    return {
      code: "PERMISSION_DENIED",
      details: "Permission 'logging.logEntries.create' denied on resource (or it may not exist).",
    };
  }
  if (entry.resource.type === "")
    return { code: "INVALID_ARGUMENT", details: "A monitored resource must be specified." };
  if (bytes > mostEntryBytes) {
    return {
      code: "INVALID_ARGUMENT",
      details: `Log entry with size ${bytes} exceeds maximum size of ${mostEntryBytes}`,
    };
  }
  const names = Object.keys(entry.labels);
  if (names.length > mostLabels)
    return { code: "INVALID_ARGUMENT", details: `${names.length} labels exceed ${mostLabels}` };
  if (names.some((name) => Buffer.byteLength(name) > mostLabelKey)) {
    return { code: "INVALID_ARGUMENT", details: `A label key exceeds ${mostLabelKey} bytes` };
  }
  if (Date.parse(entry.timestamp) > now + day) {
    return {
      code: "INVALID_ARGUMENT",
      details: "Log entry timestamp is more than 24h in the future.",
    };
  }
  if (JSON.stringify(entry.jsonPayload ?? null) === undefined) {
    return { code: "INVALID_ARGUMENT", details: "A value has no kind." };
  }
  return undefined;
}

/** Checks a token that a service account signed itself (https://google.aip.dev/auth/4111). */
export function whyUnknown(
  authorization: string | undefined,
  serviceAccounts: Readonly<Record<string, string>> | undefined,
  now: number,
): string | undefined {
  const [, head = "", body = "", signature = ""] =
    /^Bearer ([\w-]+)\.([\w-]+)\.([\w-]+)$/.exec(authorization ?? "") ?? [];
  if (signature === "") return "Request had no credentials that are known here.";
  const claims = JSON.parse(Buffer.from(body, "base64url").toString());
  const pem = serviceAccounts?.[String(claims.iss)];
  if (pem === undefined) return "The account is unknown.";
  if (!(claims.exp * 1000 > now)) return "The token has expired.";
  const signed = Buffer.from(`${head}.${body}`);
  const isSigned = verify(
    "sha256",
    signed,
    createPublicKey(pem),
    Buffer.from(signature, "base64url"),
  );
  return isSigned ? undefined : "The token's signature is wrong.";
}
