import type { JsonObject, JsonValue } from "@pipehooks/core";
import { alertText, createAlertBook, parseAlert } from "./alert-faults.ts";
import { type AlertReceiver, createAlertServer } from "./alert-server.ts";
import { type HttpAnswer, jsonAnswer, type ReceivedRequest } from "./http.ts";
import { blockProblem } from "./slack-limits.ts";

export interface SlackReceiverOptions {
  /** Milliseconds since the epoch. @default Date.now */
  readonly now?: (() => number) | undefined;
  /** @default one that the app is in */
  readonly channels?: readonly SlackChannel[] | undefined;
  /** How many messages a second a channel takes. @default as many as come */
  readonly perSecond?: number | undefined;
  /** Whether `auth.test` is answered. @default true */
  readonly authTest?: boolean | undefined;
}

export interface SlackChannel {
  readonly id: string;
  /** Whether the app is in it. @default true */
  readonly joined?: boolean | undefined;
  /** @default false */
  readonly archived?: boolean | undefined;
}

/** A message as it is now. */
export interface SlackMessage {
  readonly channel: string;
  readonly ts: string;
  readonly threadTs: string | undefined;
  readonly text: string;
  readonly blocks: readonly JsonObject[];
  /** How often it was changed. */
  readonly edits: number;
}

/** A server on this machine that behaves as Slack's incoming webhooks and its Web API. */
export interface SlackReceiver extends AlertReceiver {
  readonly url: string;
  /** Address of a webhook into the first channel. */
  readonly webhookUrl: string;
  /** A token that it takes. */
  readonly token: string;
  /** Id of the first channel. */
  readonly channel: string;
  readonly messages: readonly SlackMessage[];
  /** Takes the webhook away. */
  revoke(): void;
  /** Takes a message away, as a person does. */
  remove(ts: string): void;
}

type Stored = { -readonly [Key in keyof SlackMessage]: SlackMessage[Key] };

/**
 * Starts a receiver with `POST /services/…`, `chat.postMessage`, `chat.update` and `auth.test`: errors, limits of blocks, rate.
 * As docs.slack.dev describes them.
 * @example
 * await using slack = await createSlackReceiver();
 */
export async function createSlackReceiver(
  options: SlackReceiverOptions = {},
): Promise<SlackReceiver> {
  const {
    now = Date.now,
    channels = [{ id: "C0123456789" }],
    perSecond,
    authTest = true,
  } = options;
  const token = "xoxb-000000000000-abcdefghijklmnop";
  const path = "/services/T00000000/B00000000/abcdefghijklmnopqrstuvwx";
  const [home = { id: "C0123456789" }] = channels;
  const messages: Stored[] = [];
  const books = new Map<string, ReturnType<typeof createAlertBook>>();
  let revoked = false;
  let made = 0;

  const waitFor = (channel: string): number | undefined => {
    if (perSecond === undefined) return undefined;
    const book =
      books.get(channel) ?? createAlertBook([{ count: perSecond, windowMs: 1_000 }], now);
    books.set(channel, book);
    return book.take();
  };

  const keep = (channel: string, body: JsonObject): Stored => {
    made += 1;
    const { text, blocks, thread_ts: thread } = body;
    const message: Stored = {
      channel,
      ts: `${Math.floor(now() / 1000)}.${String(made).padStart(6, "0")}`,
      threadTs: typeof thread === "string" ? thread : undefined,
      text: typeof text === "string" ? text : "",
      blocks: Array.isArray(blocks) ? (blocks as JsonObject[]) : [],
      edits: 0,
    };
    messages.push(message);
    return message;
  };

  const takeHook = (body: JsonObject | undefined): HttpAnswer => {
    if (revoked) return alertText(404, "no_service");
    if (home.archived === true) return alertText(410, "channel_is_archived");
    const wait = waitFor(home.id);
    if (wait !== undefined) return limited("rate_limited", wait, alertText);
    if (body === undefined) return alertText(400, "invalid_payload");
    if (blockProblem(body.blocks) !== undefined) return alertText(400, "invalid_blocks");
    if (isEmpty(body)) return alertText(400, "no_text");
    keep(home.id, body);
    return alertText(200, "ok");
  };

  const no = (error: string, ...more: readonly string[]) =>
    jsonAnswer(200, {
      ok: false,
      error,
      ...(more.length > 0 && { response_metadata: { messages: [...more] } }),
    });

  const takeCall = (method: string, request: ReceivedRequest): HttpAnswer => {
    const [, given] = /^Bearer (.+)$/.exec(request.headers.authorization ?? "") ?? [];
    if (given === undefined) return no("not_authed");
    if (given !== token) return no("invalid_auth");
    if (method === "auth.test" && authTest) {
      return jsonAnswer(200, { ok: true, team: "Acme", user: "pipehooks" });
    }
    if (method !== "chat.postMessage" && method !== "chat.update") return no("unknown_method");
    const body = parseAlert(request.text);
    if (body === undefined) return no("invalid_json");
    const channel = channels.find(({ id }) => id === body.channel);
    if (channel === undefined) return no("channel_not_found");
    if (channel.archived === true) return no("is_archived");
    if (channel.joined === false) return no("not_in_channel");
    const problem = blockProblem(body.blocks);
    if (problem !== undefined) return no(problem.error, problem.why);
    if (isEmpty(body)) return no("no_text");
    return method === "chat.update" ? update(channel.id, body) : post(channel.id, body);
  };

  const post = (channel: string, body: JsonObject): HttpAnswer => {
    const wait = waitFor(channel);
    if (wait !== undefined) {
      return limited("ratelimited", wait, (status, error, headers) =>
        jsonAnswer(status, { ok: false, error }, headers),
      );
    }
    const { thread_ts: thread } = body;
    if (thread !== undefined && !messages.some(({ ts }) => ts === thread)) {
      return no("thread_not_found");
    }
    const { ts } = keep(channel, body);
    return jsonAnswer(200, { ok: true, channel, ts, ...warningOf(body) });
  };

  const update = (channel: string, body: JsonObject): HttpAnswer => {
    const message = messages.find((each) => each.channel === channel && each.ts === body.ts);
    if (message === undefined) return no("message_not_found");
    if (typeof body.text === "string") message.text = body.text;
    if (Array.isArray(body.blocks)) message.blocks = body.blocks as JsonObject[];
    message.edits += 1;
    return jsonAnswer(200, { ok: true, channel, ts: message.ts, text: message.text });
  };

  const { url, receiver } = await createAlertServer((request, pass) => {
    const [, method] = /^\/api\/([\w.]+)$/.exec(request.path) ?? [];
    if (method !== undefined) {
      return pass(
        () => takeCall(method, request),
        (status) => jsonAnswer(status, { ok: false, error: words[status] ?? "internal_error" }),
      );
    }
    if (request.path !== path) return alertText(404, "no_team");
    return pass(
      () => takeHook(parseAlert(request.text)),
      (status) => alertText(status, words[status] ?? "rollup_error"),
    );
  });
  return {
    ...receiver,
    url,
    webhookUrl: `${url}${path}`,
    token,
    channel: home.id,
    messages,
    revoke() {
      revoked = true;
    },
    remove(ts) {
      const index = messages.findIndex((message) => message.ts === ts);
      if (index >= 0) messages.splice(index, 1);
    },
  };
}

const words: Readonly<Record<number, string>> = {
  200: "something_else",
  400: "invalid_payload",
  403: "action_prohibited",
  404: "channel_not_found",
  410: "channel_is_archived",
  429: "ratelimited",
  503: "service_unavailable",
};

function limited(
  error: string,
  waitMs: number,
  answer: (status: number, error: string, headers: Record<string, string>) => HttpAnswer,
): HttpAnswer {
  return answer(429, error, { "retry-after": String(Math.max(1, Math.ceil(waitMs / 1000))) });
}

function isEmpty({ text, blocks }: JsonObject): boolean {
  const hasBlocks = Array.isArray(blocks) && blocks.length > 0;
  return !hasBlocks && (typeof text !== "string" || text.trim() === "");
}

function warningOf({ text }: JsonObject): { readonly [key: string]: JsonValue } {
  return typeof text === "string" && text.length > 40_000 ? { warning: "message_truncated" } : {};
}
