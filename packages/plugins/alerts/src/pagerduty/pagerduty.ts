import {
  type Delivery,
  defineHook,
  type HookFactory,
  type JsonObject,
  type JsonValue,
  optionName,
  type PipehooksEvent,
  type Severity,
} from "@pipehooks/core";
import { isWebAddress, type Message, toMessage } from "@pipehooks/core/messages";
import { bytesOf } from "../bytes.ts";
import { type Channel, createAlertHook } from "../channel/channel.ts";
import { plainText, type Reading, usualMeaning } from "../channel/verdict.ts";
import { toDetails } from "../details.ts";
import { keyOf } from "../keys.ts";
import { alertTemplates, destinationOf, toDashboard } from "../options.ts";
import { keepFitting, type Part } from "../parts.ts";
import { chosenBy } from "../severity.ts";
import { isObject, jsonTemplate, textTemplate } from "../templates.ts";
import { type Cuts, fit } from "../text.ts";
import { type PagerDutyOptions, pagerDutyOptions } from "./options.ts";

const hosts = {
  us: "https://events.pagerduty.com",
  eu: "https://events.eu.pagerduty.com",
} as const;
const mostSummary = 1_024;
const mostKey = 255;
/** Of 512 KB, as Alertmanager counts them. */
const mostBytes = 512_000;

/**
 * Opens an alert in PagerDuty, and with an `alert` gate resolves it, too; or sends change events.
 * Follows developer.pagerduty.com ("Events API v2": send an alert event, send a change event).
 * @throws HookError HOOK_OPTIONS_INVALID when the hook is made
 * @example
 * pagerduty({ routingKey: process.env.PAGERDUTY_KEY, severity: { error: "critical" } })
 */
export const pagerduty: HookFactory<PagerDutyOptions> = defineHook({
  name: "pagerduty",
  options: pagerDutyOptions,
  destination: (options) => destinationOf(apiOf(options), options.routingKey),
  secrets: ({ routingKey }) => [routingKey],
  templates: [
    ...["dedupKey", "summary", "source", "component", "group", "class", "customDetails", "links"],
    ...["images", "client", "clientUrl", ...alertTemplates],
  ],
  policy: { rateLimit: ["120/1m"] },
  create: (options, context) => createAlertHook(createPagerDuty(options), options, context),
});

function apiOf({ apiUrl, region = "us" }: PagerDutyOptions): string {
  return apiUrl ?? hosts[region];
}

function createPagerDuty(options: PagerDutyOptions): Channel {
  const { routingKey, changeEvents = false } = options;
  const origin = new URL(apiOf(options));
  const base = origin.pathname.replace(/\/+$/, "");
  const dashboard = toDashboard(options);
  const ownKey = optional(options.dedupKey);
  const bodyOf = createBody(options);

  return {
    origin,
    headers: {},
    reading,
    plan(delivery, _note, cuts) {
      if (delivery.alert?.state === "resolved" && !changeEvents) {
        const body = {
          routing_key: routingKey,
          event_action: "resolve",
          dedup_key: keyOf(delivery, ownKey, mostKey),
        };
        return [{ request: { path: `${base}/v2/enqueue`, body } }];
      }
      const message = toMessage(delivery, { dashboard });
      const [path, body] = changeEvents
        ? ["change/enqueue", {}]
        : ["enqueue", { event_action: "trigger", dedup_key: keyOf(delivery, ownKey, mostKey) }];
      const whole = bodyOf(delivery, message, { routing_key: routingKey, ...body }, cuts);
      return [{ request: { path: `${base}/v2/${path}`, body: whole } }];
    },
    unproved: "whether the routing key is good shows with an event, and none was sent",
  };
}

type MakeBody = (delivery: Delivery, message: Message, head: JsonObject, cuts: Cuts) => JsonObject;

/** The event's body within its size: custom details go first, then pictures and links. */
function createBody(options: PagerDutyOptions): MakeBody {
  const { changeEvents = false, severity } = options;
  const own = {
    summary: optional(options.summary),
    source: optional(options.source),
    component: optional(options.component),
    group: optional(options.group),
    class: optional(options.class),
    client: optional(options.client),
    clientUrl: optional(options.clientUrl),
  };
  const details = options.customDetails && jsonTemplate(options.customDetails);
  const links = jsonTemplate((options.links ?? []) as readonly JsonObject[]);
  const images = jsonTemplate((options.images ?? []) as readonly JsonObject[]);

  return (delivery, message, head, cuts) => {
    const { event } = delivery;
    const summary = own.summary?.(delivery) || message.headline;
    const payload: JsonObject = {
      summary: fit(summary, { most: mostSummary, what: "summary", cuts }),
      source: own.source?.(delivery) || sourceOf(event),
      timestamp: event.time,
      ...(!changeEvents && { severity: chosenBy(message.severity, severity, severities) }),
      ...filled(
        {
          component: own.component?.(delivery) ?? event.action,
          group: own.group?.(delivery) ?? event.flowgroup,
          class: own.class?.(delivery) ?? event.type,
        },
        changeEvents,
      ),
    };
    const run = message.links.map(({ text, url }) => ({ href: url, text }));
    const ownLinks = links(delivery).filter(({ href }) => isAddress(href, cuts, "link"));
    const pictures = images(delivery).filter(({ src }) => isPicture(src, cuts));
    const board = message.links.find(({ kind }) => kind === "dashboard")?.url;
    const clientUrl = own.clientUrl?.(delivery) ?? board;
    const parts: Part<JsonObject>[] = [
      { what: "event", rank: 0, form: head },
      {
        what: "custom details",
        rank: 3,
        form: { custom_details: details?.(delivery) ?? toDetails(message, cuts) },
      },
      ...(pictures.length === 0 ? [] : [{ what: "images", rank: 2, form: { images: pictures } }]),
      ...(run.length + ownLinks.length === 0
        ? []
        : [{ what: "links", rank: 1, form: { links: [...run, ...ownLinks] } }]),
    ];
    const client = changeEvents
      ? {}
      : {
          client: own.client?.(delivery) || "Pipehooks",
          ...(clientUrl && { client_url: clientUrl }),
        };
    const bodyOf = (kept: readonly JsonObject[]): JsonObject => {
      const { custom_details: shown, ...rest } = Object.assign({}, ...kept) as JsonObject;
      return {
        ...rest,
        ...client,
        payload: { ...payload, ...(shown !== undefined && { custom_details: shown }) },
      };
    };
    return bodyOf(keepFitting(parts, (kept) => bytesOf(bodyOf(kept)) <= mostBytes, cuts));
  };
}

const severities: Readonly<Record<Severity, string>> = {
  INFO: "info",
  WARNING: "warning",
  ERROR: "error",
  CRITICAL: "critical",
};

function optional(text: string | undefined) {
  return text === undefined ? undefined : textTemplate(text);
}

function filled(fields: Readonly<Record<string, string | undefined>>, none: boolean): JsonObject {
  const there = Object.entries(fields).filter(([, value]) => !none && value);
  return Object.fromEntries(there) as JsonObject;
}

function sourceOf({ pipeline, table, subject, source }: PipehooksEvent): string {
  return pipeline ?? table ?? subject ?? source;
}

function isAddress(value: JsonValue | undefined, cuts: Cuts, what: string): boolean {
  const fits = typeof value === "string" && isWebAddress(value);
  if (!fits) cuts.push(`a ${what} that is no web address left out`);
  return fits;
}

function isPicture(src: JsonValue | undefined, cuts: Cuts): boolean {
  const fits = typeof src === "string" && /^https:/i.test(src) && isWebAddress(src);
  if (!fits) cuts.push("an image that is not at an https address left out");
  return fits;
}

const reading: Reading = {
  meaning({ status, json }) {
    if (usualMeaning(status) !== "accepted" || status === 204) return undefined;
    if (!isObject(json)) return "failed";
    return json.status === undefined || json.status === "success" ? undefined : "refused";
  },
  says(received) {
    const { json } = received;
    if (!isObject(json)) return plainText(received);
    const errors = Array.isArray(json.errors) ? json.errors : [];
    const said = [json.message, ...errors].filter((part) => typeof part === "string");
    return said.length === 0 ? undefined : said.join("; ");
  },
  remedy: ({ status }) =>
    status === 400 || status === 401 || status === 403
      ? `Check ${optionName("routingKey")}, "region" and the templates.`
      : `Check "region" and ${optionName("apiUrl")}.`,
  // It names no time; its window is a minute that slides.
  overloadMs: 30_000,
};
