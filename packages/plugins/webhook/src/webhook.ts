import {
  type Answer,
  type Delivery,
  defineHook,
  delivered,
  type Hook,
  type HookContext,
  HookError,
  type HookFactory,
  type JsonValue,
  type Outcome,
  redactJson,
} from "@pipehooks/core";
import { originOf } from "@pipehooks/core/targets";
import { judgeAnswer, type Meaning, redirectOf, remedyOf } from "./answer.ts";
import { createEndRedactor } from "./begun-secret.ts";
import { type Body, compressBody, createEncode } from "./body.ts";
import type { Received } from "./exchange.ts";
import { type WebhookOptions, webhookOptions } from "./options.ts";
import { authorizationOf, secretsOf, sentSecrets } from "./secrets.ts";
import { createSender, type Sender } from "./sender.ts";
import { createSign } from "./signature.ts";
import { version } from "./version.ts";

/**
 * Posts each event to one URL: signed, guarded against private targets, never redirected.
 * Follows Standard Webhooks 1.0.0 (https://github.com/standard-webhooks/standard-webhooks).
 * @throws HookError HOOK_OPTIONS_INVALID when the hook is made
 * @example
 * webhook({ url: "https://api.example.com/events", signing: { secret: process.env.WEBHOOK_SECRET } })
 */
export const webhook: HookFactory<WebhookOptions> = defineHook({
  name: "webhook",
  options: webhookOptions,
  destination: ({ url }) => originOf(new URL(url)),
  secrets: secretsOf,
  templates: ["payload"],
  async create(options, context) {
    if (options.tls?.verify === false) {
      context.logger.warn(
        `${context.name}: "tls.verify" is off, so any certificate is taken and anybody on the way can read along.`,
      );
    }
    return createWebhook(options, context, await createSender(options, context));
  },
});

/** Longest text of an answer that is kept. */
const mostText = 2048;

/** The hook over a sender that is ready. */
function createWebhook(options: WebhookOptions, context: HookContext, sender: Sender): Hook {
  const url = new URL(options.url);
  const { name, clock, redact } = context;
  const redactEnd = createEndRedactor(sentSecrets(options, redact));
  const redactAnswer = (text: string) => redactEnd(redact(text));
  const encode = createEncode(options);
  const sign = createSign({
    secrets: [options.signing?.secret ?? options.signing?.secrets ?? []].flat(),
    ed25519: [options.signing?.ed25519 ?? []].flat(),
  });
  const isSigned = options.signing !== undefined;
  const fixed = fixedHeaders(options);
  const ownContentType = fixed.some(
    (text, i) => i % 2 === 0 && text.toLowerCase() === "content-type",
  );

  const headersOf = (delivery: Delivery, body: Body): string[] => {
    const id = delivery.idempotencyKey;
    // The time of this attempt, so every attempt has a signature of its own.
    const seconds = Math.floor(clock.now() / 1000);
    const headers = [...fixed, ...(ownContentType ? body.headers.slice(2) : body.headers)];
    headers.push("webhook-id", id, "webhook-timestamp", String(seconds));
    if (isSigned) headers.push("webhook-signature", sign(id, seconds, body.bytes));
    return headers;
  };

  const judge = (
    { status, headers }: Pick<Received, "status" | "headers">,
    answer: Answer,
    delivery: Delivery,
  ): Outcome => {
    const verdict = judgeAnswer(status, headers["retry-after"], options.statuses, clock.now);
    const { meaning, scope, retryAfterMs } = verdict;
    if (meaning === "delivered") return delivered(answer);
    const said = `${name}: ${url.host} answered ${status} to event ${delivery.event.id}`;
    const detail =
      meaning === "redirect"
        ? redirectOf(status, headers.location, url)
        : detailOf(meaning, status);
    throw new HookError(refusalCodes[meaning], said + detail, {
      retryable: meaning === "retry",
      scope,
      retryAfterMs,
      answer,
    });
  };

  /** One promise, and no async function: it runs for every delivery. */
  const post = (delivery: Delivery, body: Body): Promise<Outcome> => {
    const request = { headers: headersOf(delivery, body), body: body.bytes };
    return sender.send(request, delivery, (received) =>
      judge(received, toAnswer(received, redactAnswer), delivery),
    );
  };

  return {
    deliver(delivery) {
      const body = encode(delivery);
      if (options.compress !== true) return post(delivery, body);
      return compressBody(body).then((compressed) => post(delivery, compressed));
    },
    render(delivery) {
      const body = encode(delivery);
      const { origin, pathname, search } = url;
      return {
        target: redact(`${options.method ?? "POST"} ${origin}${pathname}${search}`),
        headers: toRecord(headersOf(delivery, body), redact),
        body: toValue(body, redact),
      };
    },
    answered: (answer, delivery) => judge(answer, { status: answer.status }, delivery),
    async check(signal) {
      const startedAt = performance.now();
      const protocol = await sender.probe(signal);
      const ms = Math.round(performance.now() - startedAt);
      const via = options.proxy === undefined ? "" : ` through ${new URL(options.proxy).host}`;
      return {
        summary: `${url.host} reached${via} in ${ms} ms (${protocol}); no request was sent`,
      };
    },
    [Symbol.asyncDispose]: () => sender.close(),
  };
}

type Refusal = Exclude<Meaning, "delivered">;

const refusalCodes = {
  redirect: "REDIRECT_REFUSED",
  retry: "RECEIVER_FAILED",
  disable: "RECEIVER_GONE",
  permanent: "RECEIVER_REFUSED",
} as const satisfies Record<Refusal, string>;

/** What else there is to say of an answer, and what a person can do. */
function detailOf(meaning: Exclude<Refusal, "redirect">, status: number): string {
  switch (meaning) {
    case "retry":
      return ".";
    case "disable":
      return `: gone. ${remedyOf(status)}`;
    case "permanent":
      return `. ${remedyOf(status)}`;
  }
}

/** What is the same for every request, as name, value, name, value … */
function fixedHeaders({ headers = {}, auth }: WebhookOptions): string[] {
  const hasAgent = Object.keys(headers).some((name) => name.toLowerCase() === "user-agent");
  return [
    ...(hasAgent ? [] : ["user-agent", `pipehooks-webhook/${version}`]),
    ...Object.entries(headers).flat(),
    ...(auth === undefined ? [] : ["authorization", authorizationOf(auth)]),
  ];
}

function toRecord(
  headers: readonly string[],
  redact: HookContext["redact"],
): Record<string, string> {
  const record: Record<string, string> = {};
  for (let at = 0; at + 1 < headers.length; at += 2) {
    record[(headers[at] as string).toLowerCase()] = redact(headers[at + 1] as string);
  }
  return record;
}

/** The body as a person reads it: JSON taken apart, text as it is. */
function toValue({ headers, bytes }: Body, redact: HookContext["redact"]): JsonValue {
  const text = bytes.toString("utf8");
  if (headers[1]?.includes("json") !== true) return redact(text);
  return redactJson(JSON.parse(text) as JsonValue, redact);
}

function toAnswer(
  { status, headers, body, timing }: Received,
  redact: HookContext["redact"],
): Answer {
  if (body === undefined) return { status, timing };
  const encoding = headers["content-encoding"];
  // None was asked for, and one could be a bomb.
  if (encoding !== undefined && encoding !== "identity") {
    return { status, timing, body: "[compressed; not shown]" };
  }
  // Redacted before it is cut, or half a secret would stay.
  const text = redact(body.toString("utf8", 0, 8192));
  return { status, timing, body: text.length > mostText ? text.slice(0, mostText) : text };
}
