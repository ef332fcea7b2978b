import type { JsonObject, JsonValue } from "@pipehooks/core";
import { createAlertBook, isRecord, parseAlert } from "./alert-faults.ts";
import { type AlertReceiver, createAlertServer } from "./alert-server.ts";
import { type HttpAnswer, jsonAnswer, type ReceivedRequest } from "./http.ts";

export interface PagerDutyReceiverOptions {
  /** Milliseconds since the epoch. @default Date.now */
  readonly now?: (() => number) | undefined;
  /** @default one key, {@link PagerDutyReceiver.routingKey} */
  readonly routingKeys?: readonly string[] | undefined;
  /** @default 120 */
  readonly eventsPerMinute?: number | undefined;
}

/** An alert, with everything that was said of it. */
export interface PagerDutyAlert {
  readonly dedupKey: string;
  readonly state: "triggered" | "acknowledged" | "resolved";
  /** Bodies of the events, oldest first. */
  readonly events: readonly JsonObject[];
}

/** A server on this machine that behaves as PagerDuty's Events API v2. */
export interface PagerDutyReceiver extends AlertReceiver {
  readonly url: string;
  /** A key that it takes. */
  readonly routingKey: string;
  readonly alerts: readonly PagerDutyAlert[];
  readonly changes: readonly JsonObject[];
}

type Stored = { -readonly [Key in keyof PagerDutyAlert]: PagerDutyAlert[Key] };

const mostBytes = 512 * 1024;

/**
 * Starts a receiver with `/v2/enqueue` and `/v2/change/enqueue`: deduplication, limits, the rate of a key.
 * As developer.pagerduty.com ("Events API v2") describes them.
 * @example
 * await using pagerduty = await createPagerDutyReceiver();
 */
export async function createPagerDutyReceiver(
  options: PagerDutyReceiverOptions = {},
): Promise<PagerDutyReceiver> {
  const { now = Date.now, eventsPerMinute = 120 } = options;
  const { routingKeys = ["0123456789abcdef0123456789ABCDEF"] } = options;
  const alerts: Stored[] = [];
  const changes: JsonObject[] = [];
  const book = createAlertBook([{ count: eventsPerMinute, windowMs: 60_000 }], now);
  let made = 0;

  const trigger = (body: JsonObject, key: string): void => {
    const open = alerts.find(({ dedupKey, state }) => dedupKey === key && state !== "resolved");
    if (open === undefined) alerts.push({ dedupKey: key, state: "triggered", events: [body] });
    else open.events = [...open.events, body];
  };

  const settle = (body: JsonObject, key: string, state: Stored["state"]): void => {
    const open = alerts.find((alert) => alert.dedupKey === key && alert.state !== "resolved");
    // Without an open alert it is accepted, and dropped.
    if (open !== undefined) Object.assign(open, { state, events: [...open.events, body] });
  };

  const take = (request: ReceivedRequest, isChange: boolean): HttpAnswer => {
    if (request.body.length > mostBytes) return refuse(413, ["Event is larger than 512 KB"]);
    const body = parseAlert(request.text);
    const errors =
      body === undefined ? ["Body is no JSON object"] : wrongIn(body, routingKeys, isChange);
    if (body === undefined || errors.length > 0) return refuse(400, errors);
    if (book.take() !== undefined) return refuse(429);
    if (isChange) {
      changes.push(body);
      return jsonAnswer(202, { status: "success", message: "Change event processed" });
    }
    made += 1;
    const key = typeof body.dedup_key === "string" ? body.dedup_key : `generated-${made}`;
    if (body.event_action === "trigger") trigger(body, key);
    else settle(body, key, body.event_action === "resolve" ? "resolved" : "acknowledged");
    return jsonAnswer(202, { status: "success", message: "Event processed", dedup_key: key });
  };

  const { url, receiver } = await createAlertServer((request, pass) => {
    const isChange = request.path === "/v2/change/enqueue";
    if (!isChange && request.path !== "/v2/enqueue") return refuse(404);
    return pass(() => take(request, isChange), refuse);
  });
  return {
    ...receiver,
    url,
    routingKey: routingKeys[0] ?? "",
    alerts,
    changes,
  };
}

function refuse(status: number, errors: readonly string[] = []): HttpAnswer {
  const said = status === 400 ? "invalid event" : status === 429 ? "throttle exceeded" : "error";
  const message =
    status === 400 ? "Event object is invalid" : `The event was not taken (${status})`;
  return jsonAnswer(status, { status: said, message, errors: [...errors] });
}

function wrongIn(body: JsonObject, keys: readonly string[], isChange: boolean): string[] {
  const { routing_key: key, event_action: action, dedup_key: dedup, payload, links, images } = body;
  const wrong: string[] = [];
  const check = (isRight: boolean, error: string) => {
    if (!isRight) wrong.push(error);
  };
  check(typeof key === "string" && keys.includes(key), "Invalid routing key");
  if (isChange) check(typeof key === "string" && !key.startsWith("R"), "No ruleset keys here");
  else
    check(["trigger", "acknowledge", "resolve"].includes(String(action)), "Invalid event_action");
  check(
    dedup === undefined || (typeof dedup === "string" && dedup.length <= 255),
    "Length of 'dedup_key' is incorrect (should be between 1 and 255 characters)",
  );
  if (!isChange && action !== "trigger") {
    check(typeof dedup === "string" && dedup !== "", "'dedup_key' is missing or blank");
    return wrong;
  }
  const { summary, source, severity } = isRecord(payload) ? payload : {};
  check(isText(summary), "'payload.summary' is missing or blank");
  check(
    String(summary).length <= 1_024,
    "Length of 'payload.summary' is incorrect (should be between 1 and 1024 characters)",
  );
  if (!isChange) {
    check(isText(source), "'payload.source' is missing or blank");
    const known = ["critical", "error", "warning", "info"].includes(String(severity));
    check(
      known,
      "'payload.severity' is invalid (must be one of the following: 'critical', 'warning', 'error' or 'info')",
    );
  }
  const pictures = Array.isArray(images) ? images : [];
  for (const image of pictures) {
    check(isRecord(image) && String(image.src).startsWith("https:"), "'images.src' must be https");
  }
  for (const link of Array.isArray(links) ? links : []) {
    check(isRecord(link) && isText(link.href), "'links.href' is missing or blank");
  }
  return wrong;
}

function isText(value: JsonValue | undefined): boolean {
  return typeof value === "string" && value !== "";
}
