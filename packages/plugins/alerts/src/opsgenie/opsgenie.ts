import {
  type Delivery,
  defineHook,
  type HookFactory,
  type JsonObject,
  optionName,
  type Severity,
} from "@pipehooks/core";
import { type Message, toMessage } from "@pipehooks/core/messages";
import { type Channel, createAlertHook } from "../channel/channel.ts";
import { plainText, type Reading, usualMeaning } from "../channel/verdict.ts";
import { toShortDetails } from "../details.ts";
import { keyOf } from "../keys.ts";
import { bulletsOf, errorText } from "../lines.ts";
import { alertTemplates, destinationOf, toDashboard } from "../options.ts";
import { chosenBy } from "../severity.ts";
import { isObject, textTemplate } from "../templates.ts";
import { type Cuts, fit } from "../text.ts";
import { type OpsgenieOptions, opsgenieOptions } from "./options.ts";

const hosts = { us: "https://api.opsgenie.com", eu: "https://api.eu.opsgenie.com" } as const;
const jsmHost = "https://api.atlassian.com";
const paths = { opsgenie: "/v2/alerts", jsm: "/jsm/ops/integration/v2/alerts" } as const;
const mostMessage = 130;
const mostDescription = 15_000;
const mostAlias = 512;
const source = "Pipehooks";

/**
 * Opens an alert in Opsgenie or in Jira Service Management, and with an `alert` gate closes it, too.
 * Follows docs.opsgenie.com ("Alert API") and developer.atlassian.com (Jira Service Management operations, "Integration
 * events").
 * @throws HookError HOOK_OPTIONS_INVALID when the hook is made
 * @example
 * opsgenie({ apiKey: process.env.OPSGENIE_KEY, product: "jsm", responders: [{ type: "team", name: "data" }] })
 */
export const opsgenie: HookFactory<OpsgenieOptions> = defineHook({
  name: "opsgenie",
  options: opsgenieOptions,
  destination: (options) => destinationOf(apiOf(options), options.apiKey),
  secrets: ({ apiKey }) => [apiKey],
  templates: [
    ...["message", "description", "alias", "tags", "details", "entity", "note", ...alertTemplates],
  ],
  create: (options, context) => createAlertHook(createOpsgenie(options), options, context),
});

function apiOf({ apiUrl, region = "us", product = "opsgenie" }: OpsgenieOptions): string {
  return apiUrl ?? (product === "jsm" ? jsmHost : hosts[region]);
}

function createOpsgenie(options: OpsgenieOptions): Channel {
  const { apiKey, product = "opsgenie" } = options;
  const origin = new URL(apiOf(options));
  const base = `${origin.pathname.replace(/\/+$/, "")}${paths[product]}`;
  const dashboard = toDashboard(options);
  const ownAlias = optional(options.alias);
  const note = optional(options.note);
  const alertOf = createAlert(options);

  return {
    origin,
    headers: { authorization: `GenieKey ${apiKey}` },
    reading,
    plan(delivery, _note, cuts) {
      const message = toMessage(delivery, { dashboard });
      const alias = keyOf(delivery, ownAlias, mostAlias);
      const said = note?.(delivery);
      if (delivery.alert?.state === "resolved") {
        const path = `${base}/${encodeURIComponent(alias)}/close?identifierType=alias`;
        const most = mostDescription;
        const closing = fit(said ?? message.headline, { most, what: "note", cuts });
        return [{ request: { path, body: { source, note: closing } } }];
      }
      const body = { ...alertOf(delivery, message, cuts), alias, ...(said && { note: said }) };
      return [{ request: { path: base, body } }];
    },
    unproved: "whether the key is good shows with an alert, and none was sent",
  };
}

type MakeAlert = (delivery: Delivery, message: Message, cuts: Cuts) => JsonObject;

function createAlert(options: OpsgenieOptions): MakeAlert {
  const title = optional(options.message);
  const description = optional(options.description);
  const entity = optional(options.entity);
  const tags = (options.tags ?? []).map((tag) => textTemplate(tag));
  const details =
    options.details &&
    Object.entries(options.details).map(([name, text]) => [name, textTemplate(text)] as const);
  // Checked by the schema.
  const responders = options.responders as readonly JsonObject[] | undefined;

  return (delivery, message, cuts) => {
    const { pipeline, table, subject, source: origin } = delivery.event;
    const headline = title?.(delivery) || message.headline;
    const text = description?.(delivery) || descriptionOf(message);
    const shown = tags.map((tag) => tag(delivery)).filter(Boolean);
    return {
      message: fit(headline, { most: mostMessage, what: "message", cuts }),
      description: fit(text, { most: mostDescription, what: "description", cuts }),
      priority: chosenBy(message.severity, options.priority, priorities),
      ...(responders !== undefined && { responders }),
      ...(shown.length > 0 && { tags: shown }),
      details:
        details === undefined
          ? toShortDetails(message)
          : Object.fromEntries(details.map(([name, value]) => [name, value(delivery)])),
      entity: entity?.(delivery) || (pipeline ?? table ?? subject ?? origin),
      source,
    };
  };
}

const priorities: Readonly<Record<Severity, string>> = {
  INFO: "P5",
  WARNING: "P3",
  ERROR: "P2",
  CRITICAL: "P1",
};

function optional(text: string | undefined) {
  return text === undefined ? undefined : textTemplate(text);
}

function descriptionOf(message: Message): string {
  const { headline, summary, error, links } = message;
  const blocks = [
    [headline, summary],
    [error?.title, error && errorText(error)],
    bulletsOf(message, (line) => line),
    links.map(({ text, url }) => `${text}: ${url}`),
  ];
  return blocks
    .map((block) => block.filter(Boolean).join("\n"))
    .filter(Boolean)
    .join("\n\n");
}

const reading: Reading = {
  meaning({ status, json }) {
    // Said of the key, not of an alert.
    if (status === 403) return "denied";
    if (usualMeaning(status) !== "accepted" || status === 204) return undefined;
    return isObject(json) ? undefined : "failed";
  },
  says(received) {
    const { json } = received;
    if (!isObject(json)) return plainText(received);
    const errors = isObject(json.errors) ? Object.entries(json.errors) : [];
    const said = errors.map(([name, text]) => `${name}: ${String(text)}`);
    return (
      [json.message, ...said].filter((part) => typeof part === "string").join("; ") || undefined
    );
  },
  remedy({ status }) {
    if (status === 401 || status === 403) {
      return `Check ${optionName("apiKey")}: it must be the key of an API integration that may create alerts, and "product" and "region" its own.`;
    }
    if (status === 422) return "Check the templates and responders.";
    return `Check "product", "region" and ${optionName("apiUrl")}.`;
  },
};
