import type { HttpAnswer } from "../http.ts";
import { writeExact } from "./exact-json.ts";

/** An error answer as databricks-sdk-py `errors/` reads it: HTTP status, `error_code`, `message`. */
export class Refusal extends Error {
  readonly status: number;
  readonly code: string;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, code: string, message: string, headers = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}

export function invalid(message: string): Refusal {
  return new Refusal(400, "INVALID_PARAMETER_VALUE", message);
}

export function malformed(message: string): Refusal {
  return new Refusal(400, "MALFORMED_REQUEST", message);
}

export function toAnswer(value: unknown, status = 200, headers = {}): HttpAnswer {
  return {
    status,
    headers: { "content-type": "application/json", ...headers },
    body: writeExact(value),
  };
}
