import type { JsonObject, JsonValue } from "@pipehooks/core";
import { alertText, createAlertBook, isRecord, parseAlert } from "./alert-faults.ts";
import { type AlertReceiver, createAlertServer } from "./alert-server.ts";
import { type HttpAnswer, jsonAnswer, type ReceivedRequest } from "./http.ts";

export interface TeamsReceiverOptions {
  /** Milliseconds since the epoch. @default Date.now */
  readonly now?: (() => number) | undefined;
  /** How much is taken. @default as much as comes */
  readonly limits?: readonly { readonly count: number; readonly windowMs: number }[] | undefined;
  /** Answers an overload as connectors did: 200, and in the text what Teams said. @default false */
  readonly asConnector?: boolean | undefined;
}

/** What became of a request that was accepted. */
export interface TeamsFlowRun {
  /** The card that is in the channel; undefined where the flow failed. */
  readonly card: JsonObject | undefined;
  /** Why the flow failed, which whoever posted is not told. */
  readonly failure: string | undefined;
}

/** A server on this machine that behaves as a Workflows webhook of Teams. */
export interface TeamsReceiver extends AlertReceiver {
  /** Address of the webhook, its secret included. */
  readonly webhookUrl: string;
  /** The secret in it. */
  readonly signature: string;
  readonly runs: readonly TeamsFlowRun[];
}

/** Teams refuses a message whose properties it measures above this; it measures more than was sent. */
const mostMeasured = 28_672;
const overhead = 1.19;

/**
 * Starts a receiver that accepts with 202 and lets the flow run later: without a card, or with too large a one, it fails
 * unseen. As learn.microsoft.com describes "When a Teams webhook request is received".
 * @example
 * await using teams = await createTeamsReceiver();
 */
export async function createTeamsReceiver(
  options: TeamsReceiverOptions = {},
): Promise<TeamsReceiver> {
  const { now = Date.now, limits = [], asConnector = false } = options;
  const signature = "9hZ3kq0aD-abcdefghijklmnopqrstuvwxyz_0123456";
  const path = `/powerautomate/automations/direct/workflows/0123456789abcdef0123456789abcdef/triggers/manual/paths/invoke?api-version=1&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=${signature}`;
  const runs: TeamsFlowRun[] = [];
  const book = createAlertBook(limits, now);

  const refuse = (status: number): HttpAnswer => {
    if (asConnector) {
      return alertText(
        200,
        `Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error ${status} with ContextId x.`,
      );
    }
    const code = codes[status] ?? "InternalServerError";
    return jsonAnswer(status, { error: { code, message: `The request failed (${status}).` } });
  };

  const take = (request: ReceivedRequest): HttpAnswer => {
    const wait = book.take();
    if (wait !== undefined) {
      const { headers, ...rest } = refuse(429);
      return { ...rest, headers: { ...headers, "retry-after": String(Math.ceil(wait / 1000)) } };
    }
    const body = parseAlert(request.text);
    if (body === undefined) return refuse(400);
    const failure = failureOf(body, request.body.length);
    const card = failure === undefined ? cardOf(body) : undefined;
    runs.push({ card, failure });
    return { status: 202 };
  };

  const { url, receiver } = await createAlertServer((request, pass) => {
    // Not a character of the address may be different.
    if (request.path !== path) {
      return refuse(request.path.startsWith("/powerautomate/") ? 401 : 404);
    }
    return pass(() => take(request), refuse);
  });
  return {
    ...receiver,
    webhookUrl: `${url}${path}`,
    signature,
    runs,
  };
}

const codes: Readonly<Record<number, string>> = {
  400: "InvalidRequestContent",
  401: "DirectApiAuthorizationRequired",
  404: "WorkflowNotFound",
  429: "TooManyRequests",
};

function cardOf({ attachments }: JsonObject): JsonObject | undefined {
  const [first] = Array.isArray(attachments) ? attachments : [];
  return isRecord(first) && isRecord(first.content) ? first.content : undefined;
}

function failureOf(body: JsonObject, bytes: number): string | undefined {
  if (!Array.isArray(body.attachments)) return "attachments is of type Null";
  const [attachment] = body.attachments;
  const card = cardOf(body);
  const isCard =
    body.type === "message" &&
    isRecord(attachment) &&
    attachment.contentType === "application/vnd.microsoft.card.adaptive" &&
    card?.type === "AdaptiveCard";
  if (!isCard) return "the attachment is no Adaptive Card";
  if (!/^1\.[0-4]$/.test(String(card.version))) return `version ${card.version} does not render`;
  if (has(card, "Action.Submit")) return "Action.Submit is not supported";
  return bytes * overhead > mostMeasured ? "RequestEntityTooLarge" : undefined;
}

function has(value: JsonValue, type: string): boolean {
  if (Array.isArray(value)) return value.some((item) => has(item, type));
  if (!isRecord(value)) return false;
  return value.type === type || Object.values(value).some((item) => has(item, type));
}
