import type { JsonObject, JsonValue } from "@pipehooks/core";
import { isRecord, parseAlert } from "./alert-faults.ts";
import { type AlertReceiver, createAlertServer } from "./alert-server.ts";
import { type HttpAnswer, jsonAnswer, type ReceivedRequest } from "./http.ts";

export interface DiscordReceiverOptions {
  /** Milliseconds since the epoch. @default Date.now */
  readonly now?: (() => number) | undefined;
  /** How many messages a window takes. @default 5 */
  readonly perWindow?: number | undefined;
  /** Length of a window, which begins with its first message, in milliseconds. @default 2_000 */
  readonly windowMs?: number | undefined;
}

/** A server on this machine that behaves as a Discord webhook. */
export interface DiscordReceiver extends AlertReceiver {
  /** Address of the webhook, its token included. */
  readonly webhookUrl: string;
  /** The secret in it. */
  readonly token: string;
  /** Bodies of the messages that are in the channel. */
  readonly messages: readonly JsonObject[];
  /** How many requests were answered 429. */
  readonly refused: number;
  /** Takes the webhook away. */
  remove(): void;
}

/**
 * Starts a receiver with the limits of messages and embeds, and with a bucket that its headers tell of. As docs.discord.com
 * ("Execute Webhook", "Rate limits") describes them.
 * @example
 * await using discord = await createDiscordReceiver();
 */
export async function createDiscordReceiver(
  options: DiscordReceiverOptions = {},
): Promise<DiscordReceiver> {
  const { now = Date.now, perWindow = 5, windowMs = 2_000 } = options;
  const token = "aW5zZWN1cmUtYnV0LWxvbmctZW5vdWdoLXRva2VuLWZvci1hLXRlc3Q";
  const base = `/api/webhooks/123456789012345678/${token}`;
  const messages: JsonObject[] = [];
  let isThere = true;
  let refused = 0;
  let begunAt = Number.NEGATIVE_INFINITY;
  let used = 0;

  /** Headers of the bucket; `isFull` where nothing more fits. */
  const takeFromBucket = () => {
    const at = now();
    if (at >= begunAt + windowMs) {
      begunAt = at;
      used = 0;
    }
    const isFull = used >= perWindow;
    if (!isFull) used += 1;
    const resetAfter = (begunAt + windowMs - at) / 1000;
    const headers = {
      "x-ratelimit-limit": String(perWindow),
      "x-ratelimit-remaining": String(perWindow - used),
      "x-ratelimit-reset-after": resetAfter.toFixed(3),
      "x-ratelimit-bucket": "abcd1234",
    };
    return { isFull, resetAfter, headers };
  };

  const take = (request: ReceivedRequest): HttpAnswer => {
    if (!isThere) return refuse(404, 10_015);
    const { isFull, resetAfter, headers } = takeFromBucket();
    if (isFull) {
      refused += 1;
      return jsonAnswer(
        429,
        { message: "You are being rate limited.", retry_after: resetAfter, global: false },
        {
          ...headers,
          "retry-after": String(Math.ceil(resetAfter)),
          "x-ratelimit-scope": "user",
        },
      );
    }
    const body = parseAlert(request.text);
    const errors = body === undefined ? { body: "is no JSON" } : wrongIn(body);
    if (body === undefined || Object.keys(errors).length > 0) return refuse(400, 50_035, errors);
    messages.push(body);
    const { searchParams } = new URL(request.path, "http://localhost");
    if (searchParams.get("wait") !== "true") return { status: 204, headers };
    return jsonAnswer(200, { id: String(messages.length), ...body }, headers);
  };

  const { url, receiver } = await createAlertServer((request, pass) => {
    const [path] = request.path.split("?");
    if (path !== base) return refuse(path?.startsWith("/api/webhooks/") ? 401 : 404, 50_027);
    return pass(
      () => take(request),
      (status) => refuse(status, 0),
    );
  });
  return {
    ...receiver,
    webhookUrl: `${url}${base}`,
    token,
    messages,
    get refused() {
      return refused;
    },
    remove() {
      isThere = false;
    },
  };
}

const texts: Readonly<Record<number, string>> = {
  10015: "Unknown Webhook",
  50027: "Invalid Webhook Token",
  50035: "Invalid Form Body",
};

function refuse(status: number, code: number, errors: JsonObject = {}): HttpAnswer {
  const message = texts[code] ?? `${status}: something is wrong`;
  const isEmpty = Object.keys(errors).length === 0;
  return jsonAnswer(status, { message, code, ...(!isEmpty && { errors }) });
}

function wrongIn({ content, embeds, username, allowed_mentions: mentions }: JsonObject) {
  const wrong: Record<string, JsonValue> = {};
  const check = (name: string, value: JsonValue | undefined, most: number) => {
    if (value === undefined) return;
    if (typeof value !== "string" || value.length > most)
      wrong[name] = `must be ${most} or fewer in length`;
  };
  const list = Array.isArray(embeds) ? embeds : [];
  if ((typeof content !== "string" || content === "") && list.length === 0) {
    wrong.content = "Cannot send an empty message";
  }
  check("content", content, 2_000);
  check("username", username, 80);
  if (mentions !== undefined && !isRecord(mentions)) wrong.allowed_mentions = "is no object";
  if (list.length > 10) wrong.embeds = "must be 10 or fewer in length";
  let characters = 0;
  for (const [index, embed] of list.entries()) {
    if (!isRecord(embed)) {
      wrong[`embeds.${index}`] = "is no object";
      continue;
    }
    const { title, description, footer, author } = embed;
    const fields = Array.isArray(embed.fields) ? embed.fields : [];
    if (fields.length > 25) wrong[`embeds.${index}.fields`] = "must be 25 or fewer in length";
    const limited: [string, JsonValue | undefined, number][] = [
      ["title", title, 256],
      ["description", description, 4_096],
      ["footer", isRecord(footer) ? footer.text : undefined, 2_048],
      ["author", isRecord(author) ? author.name : undefined, 256],
      ...fields.flatMap((field): [string, JsonValue | undefined, number][] =>
        isRecord(field)
          ? [
              ["fields.name", field.name, 256],
              ["fields.value", field.value, 1_024],
            ]
          : [],
      ),
    ];
    for (const [name, value, most] of limited) {
      check(`embeds.${index}.${name}`, value, most);
      characters += typeof value === "string" ? value.length : 0;
    }
  }
  if (characters > 6_000) wrong.embeds = "Embed size exceeds maximum size of 6000";
  return wrong;
}
