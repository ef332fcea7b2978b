import type { ReceivedRequest } from "../http.ts";
import { parseExact } from "./exact-json.ts";
import { malformed } from "./refusal.ts";
import { methodOf } from "./thrift-wire.ts";

/** What a request asks for. */
export interface Call {
  /** Without `/api/<version>/`. */
  readonly path: string;
  /** Of the Jobs API. */
  readonly version: string | undefined;
  readonly query: URLSearchParams;
  /** Id of the warehouse that the driver calls. */
  readonly warehouse?: string | undefined;
}

export function toCall({ path: target, body }: ReceivedRequest): Call {
  const { pathname, searchParams } = new URL(target, "http://workspace");
  const [, warehouse] = /^\/sql\/1\.0\/warehouses\/([^/]+)$/.exec(pathname) ?? [];
  if (warehouse !== undefined) {
    const path = `thrift/${methodOf(body) ?? "?"}`;
    return { path, version: undefined, query: searchParams, warehouse };
  }
  const [, version, rest] = /^\/api\/(\d\.\d)\/(.+)$/.exec(pathname) ?? [];
  const path = rest ?? pathname.slice(1);
  return { path, version: path.startsWith("jobs/") ? version : undefined, query: searchParams };
}

/**
 * The JSON object of a request.
 * @throws Refusal
 */
export function bodyOf({ text }: ReceivedRequest): Record<string, unknown> {
  try {
    const body = parseExact(text);
    if (typeof body === "object" && body !== null && !Array.isArray(body)) {
      return body as Record<string, unknown>;
    }
  } catch {
    // Told below, as everything that is no object.
  }
  throw malformed("Invalid JSON given in the body of the request - expected a map");
}
