import type { HookError } from "@pipehooks/core";

/** What an HTTP status means for a delivery. */
export type StatusClass = "delivered" | "retry" | "retry destination" | "permanent" | "gone";

/** What statuses mean where nothing else is said. */
export const usualStatuses: Readonly<Record<number, StatusClass>> = Object.fromEntries([
  ...[200, 201, 202, 204].map((status) => [status, "delivered"]),
  ...[301, 302, 303, 307, 308].map((status) => [status, "permanent"]),
  ...[400, 401, 403, 404, 405, 406, 411, 413, 414, 415, 422, 426, 431, 501, 505].map((status) => [
    status,
    "permanent",
  ]),
  [410, "gone"],
  ...[408, 409, 421, 423, 425, 500, 507, 520, 524].map((status) => [status, "retry"]),
  ...[429, 502, 503, 504].map((status) => [status, "retry destination"]),
]);

/** How a thrown error says it; nothing is thrown for what is delivered. */
export const statusOf: Readonly<
  Record<StatusClass, Pick<HookError, "retryable" | "scope"> | undefined>
> = {
  delivered: undefined,
  retry: { retryable: true, scope: "delivery" },
  "retry destination": { retryable: true, scope: "destination" },
  permanent: { retryable: false, scope: "delivery" },
  gone: { retryable: false, scope: "gone" },
};
