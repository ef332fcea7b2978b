import type { JsonObject, JsonValue } from "@pipehooks/core";
import { isRecord, parseAlert } from "./alert-faults.ts";
import { type AlertReceiver, createAlertServer } from "./alert-server.ts";
import { type HttpAnswer, jsonAnswer, type ReceivedRequest } from "./http.ts";

export interface OpsgenieReceiverOptions {
  /** Under which path the API is. @default "opsgenie" */
  readonly product?: "opsgenie" | "jsm" | undefined;
}

export interface OpsgenieAlert {
  readonly alias: string;
  readonly state: "open" | "acknowledged" | "closed";
  /** How often it was created while it was open. */
  readonly count: number;
  /** As created. */
  readonly body: JsonObject;
  readonly notes: readonly string[];
}

/** A server on this machine that behaves as the alert API of Opsgenie and of Jira Service Management. */
export interface OpsgenieReceiver extends AlertReceiver {
  readonly url: string;
  /** A key that it takes. */
  readonly apiKey: string;
  readonly alerts: readonly OpsgenieAlert[];
}

type Stored = { -readonly [Key in keyof OpsgenieAlert]: OpsgenieAlert[Key] };

const bases = { opsgenie: "/v2/alerts", jsm: "/jsm/ops/integration/v2/alerts" } as const;

/**
 * Starts a receiver that creates, closes, acknowledges and notes alerts by alias. As docs.opsgenie.com ("Alert API") describes it.
 * @example
 * await using opsgenie = await createOpsgenieReceiver();
 */
export async function createOpsgenieReceiver(
  options: OpsgenieReceiverOptions = {},
): Promise<OpsgenieReceiver> {
  const base = bases[options.product ?? "opsgenie"];
  const apiKey = "01234567-89ab-cdef-0123-456789abcdef";
  const alerts: Stored[] = [];
  let made = 0;

  const accepted = (): HttpAnswer => {
    made += 1;
    return jsonAnswer(202, {
      result: "Request will be processed",
      took: 0.1,
      requestId: `request-${made}`,
    });
  };

  const create = (body: JsonObject): HttpAnswer => {
    const errors = wrongIn(body);
    if (Object.keys(errors).length > 0) return refuse(422, errors);
    const alias = typeof body.alias === "string" ? body.alias : `alert-${made}`;
    const open = alerts.find((alert) => alert.alias === alias && alert.state !== "closed");
    if (open === undefined) alerts.push({ alias, state: "open", count: 1, body, notes: [] });
    else open.count += 1;
    return accepted();
  };

  const change = (alias: string, action: string, body: JsonObject): HttpAnswer => {
    const open = alerts.find((alert) => alert.alias === alias && alert.state !== "closed");
    if (open !== undefined) {
      if (typeof body.note === "string") open.notes = [...open.notes, body.note];
      if (action === "close") open.state = "closed";
      if (action === "acknowledge") open.state = "acknowledged";
    }
    // That there is none shows in the request's final state only.
    return accepted();
  };

  const take = (request: ReceivedRequest): HttpAnswer => {
    if (request.headers.authorization !== `GenieKey ${apiKey}`) return refuse(401);
    const body = parseAlert(request.text);
    if (body === undefined) return refuse(422, { message: "Request body is not processable" });
    if (request.path === base) return create(body);
    const [, alias, action] =
      /^\/([^/?]+)\/(close|acknowledge|notes)\?identifierType=alias$/.exec(
        request.path.slice(base.length),
      ) ?? [];
    if (alias === undefined || action === undefined) return refuse(404);
    return change(decodeURIComponent(alias), action, body);
  };

  const { url, receiver } = await createAlertServer((request, pass) => {
    if (!request.path.startsWith(base)) return refuse(404);
    return pass(() => take(request), refuse);
  });
  return { ...receiver, url, apiKey, alerts };
}

const messages: Readonly<Record<number, string>> = {
  401: "Could not authenticate",
  403: "Your api key is not authorized",
  404: "Not found",
  422: "Request body is not processable. Please check the errors.",
  429: "You are making too many requests!",
};

function refuse(status: number, errors: JsonObject = {}): HttpAnswer {
  const message = messages[status] ?? "Internal Server Error";
  const requestId = "request-0";
  const isEmpty = Object.keys(errors).length === 0;
  return jsonAnswer(status, { message, ...(!isEmpty && { errors }), took: 0.1, requestId });
}

function wrongIn(body: JsonObject): Record<string, JsonValue> {
  const { message, description, alias, priority, responders, tags, details } = body;
  const wrong: Record<string, JsonValue> = {};
  const check = (name: string, isRight: boolean, error: string) => {
    if (!isRight) wrong[name] = error;
  };
  const isText = (value: JsonValue | undefined, most: number) =>
    value === undefined || (typeof value === "string" && value.length <= most);
  check("message", typeof message === "string" && message !== "", "Message can not be empty.");
  check("message", isText(message, 130), "Message can not be longer than 130 characters");
  check(
    "description",
    isText(description, 15_000),
    "Description can not be longer than 15000 characters",
  );
  check("alias", isText(alias, 512), "Alias can not be longer than 512 characters");
  check(
    "priority",
    priority === undefined || /^P[1-5]$/.test(String(priority)),
    "Invalid priority",
  );
  const list = responders === undefined ? [] : responders;
  const areResponders =
    Array.isArray(list) &&
    list.every((each) => isRecord(each) && Boolean(each.type) && Boolean(each.id ?? each.name));
  check("responders", areResponders, "Responders need a type, and an id or a name");
  const areTexts =
    Array.isArray(tags ?? []) &&
    ((tags ?? []) as readonly JsonValue[]).every((tag) => typeof tag === "string");
  check("tags", areTexts, "Tags must be texts");
  const values = isRecord(details) ? Object.values(details) : [];
  check(
    "details",
    values.every((value) => typeof value === "string"),
    "Details must be texts",
  );
  return wrong;
}
