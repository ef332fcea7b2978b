import { discord, opsgenie, pagerduty, slack, teams } from "@pipehooks/alerts";
import { type StatusClass, testHook } from "@pipehooks/testing";
import { describe, it } from "vitest";

const runner = { describe, it };

/** Alerts are tried again after 5xx, and after no other 4xx than 408, 425 and 429; refused credentials end it all. */
const statuses: Readonly<Record<number, StatusClass>> = {
  401: "gone",
  ...{ 409: "permanent", 421: "permanent", 423: "permanent" },
  ...{ 501: "retry", 505: "retry" },
};
/** Without the word that says it was taken, a 2xx says nothing. */
const wordless = { 200: "retry", 201: "retry", 202: "retry", 204: "retry" } as const;

const json = (status: number, body: object) => ({
  status,
  headers: { "content-type": "application/json" },
  body: JSON.stringify(body),
});

const shared = [
  { options: { dashboardUrl: "https://d.example.com/${" }, paths: ["dashboardUrl"] },
  {
    options: { allowHttp: "yes", allowPrivate: 1, allow: ["10.0.0.0/33"] },
    paths: ["allowHttp", "allowPrivate", "allow.0"],
  },
  { options: { wrong: 1 }, paths: [""] },
];

const slackSecret = "abcdefghijklmnopqrstuvwx";
const webhookUrl = `https://hooks.slack.com/services/T00000000/B00000000/${slackSecret}`;

testHook({
  runner,
  hook: slack,
  options: ({ url }) => ({
    webhookUrl: `${url}/services/T00000000/B00000000/${slackSecret}`,
    allowPrivate: true,
  }),
  secrets: [slackSecret],
  respond: { body: "ok" },
  statuses: { ...statuses, ...wordless, 404: "gone" },
  invalid: [
    ...shared,
    { options: {}, paths: ["webhookUrl"] },
    { options: { token: "xoxb-1" }, paths: ["channel"] },
    { options: { channel: "C1" }, paths: ["token"] },
    { options: { webhookUrl, token: "x", channel: "C1" }, paths: ["token", "channel"] },
    {
      options: { webhookUrl, thread: true, updateOnResolve: false, apiUrl: "https://a.example" },
      paths: ["thread", "updateOnResolve", "apiUrl"],
    },
    { options: { webhookUrl: "http://hooks.slack.com/services/x" }, paths: ["webhookUrl"] },
    { options: { webhookUrl: "https://a:b@hooks.slack.com/x" }, paths: ["webhookUrl"] },
    { options: { webhookUrl: "nowhere" }, paths: ["webhookUrl"] },
    {
      options: {
        token: "with space",
        channel: "",
        text: "${",
        blocks: [{ type: "section", text: "${" }],
        mention: "ada",
        thread: 1,
        updateOnResolve: 1,
        apiUrl: "https://slack.com/?a",
      },
      paths: [
        ...["token", "channel", "text", "blocks.0", "mention", "thread", "updateOnResolve"],
        "apiUrl",
      ],
    },
  ],
});

describe("by the Web API", () => {
  const token = "xoxb-000000000000-secretsecret";
  testHook({
    runner,
    hook: slack,
    options: ({ url }) => ({ token, channel: "C1", apiUrl: url, allowPrivate: true }),
    secrets: [token],
    respond: json(200, { ok: true, channel: "C1", ts: "1.2" }),
    statuses: { ...statuses, ...wordless },
    invalid: [],
  });
});

const signature = "9hZ3kq0aD-abcdefghijklmnopqrstuvwxyz_0%2B123456";
testHook({
  runner,
  hook: teams,
  options: ({ url }) => ({
    webhookUrl: `${url}/powerautomate/automations/direct/workflows/0123456789abcdef/triggers/manual/paths/invoke?api-version=1&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=${signature}`,
    allowPrivate: true,
  }),
  secrets: [signature, decodeURIComponent(signature)],
  respond: 202,
  statuses: { ...statuses, 404: "gone" },
  invalid: [
    ...shared,
    { options: {}, paths: ["webhookUrl"] },
    {
      options: { webhookUrl: "http://x.example/a", card: { a: "${" }, mentions: [{ id: "" }] },
      paths: ["webhookUrl", "card", "mentions.0.id", "mentions.0.name"],
    },
  ],
});

const routingKey = "0123456789abcdef0123456789ABCDEF";
testHook({
  runner,
  hook: pagerduty,
  options: ({ url }) => ({ routingKey, apiUrl: url, allowPrivate: true }),
  secrets: [routingKey],
  respond: json(202, { status: "success", message: "Event processed", dedup_key: "x" }),
  statuses: { ...statuses, 200: "retry", 201: "retry", 202: "retry" },
  idempotencyKey: ({ text }) => JSON.parse(text).dedup_key,
  invalid: [
    ...shared,
    { options: { routingKey: "short" }, paths: ["routingKey"] },
    {
      options: { routingKey, region: "eu", apiUrl: "https://events.example.com" },
      paths: ["region"],
    },
    {
      options: {
        routingKey: `R${routingKey.slice(1)}`,
        changeEvents: true,
        severity: "error",
        dedupKey: "x",
        component: "x",
        group: "x",
        class: "x",
        images: [],
        client: "x",
        clientUrl: "x",
      },
      paths: [
        ...["routingKey", "severity", "dedupKey", "component", "group", "class", "images"],
        ...["client", "clientUrl"],
      ],
    },
    {
      options: {
        routingKey,
        region: "moon",
        severity: { error: "bad", wrong: 1 },
        dedupKey: "${",
        summary: "${",
        source: "${",
        component: "${",
        group: "${",
        class: "${",
        customDetails: { a: "${" },
        links: [{ text: "x" }],
        images: [{ src: "${" }],
        client: "${",
        clientUrl: "${",
        changeEvents: 1,
      },
      paths: [
        ...["region", "severity", "dedupKey", "summary", "source", "component", "group", "class"],
        ...["customDetails", "links.0.href", "images.0.src", "client", "clientUrl"],
        "changeEvents",
      ],
    },
  ],
});

const apiKey = "01234567-89ab-cdef-0123-456789abcdef";
testHook({
  runner,
  hook: opsgenie,
  options: ({ url }) => ({ apiKey, apiUrl: url, allowPrivate: true }),
  secrets: [apiKey],
  respond: json(202, { result: "Request will be processed", took: 0.1, requestId: "r" }),
  statuses: { ...statuses, 200: "retry", 201: "retry", 202: "retry", 403: "gone" },
  idempotencyKey: ({ text }) => JSON.parse(text).alias,
  invalid: [
    ...shared,
    { options: {}, paths: ["apiKey"] },
    { options: { apiKey, product: "jsm", region: "eu" }, paths: ["region"] },
    { options: { apiKey, apiUrl: "https://a.example", region: "eu" }, paths: ["region"] },
    {
      options: {
        apiKey: " ",
        product: "x",
        region: "x",
        message: "${",
        description: "${",
        alias: "${",
        responders: [
          { type: "team" },
          { type: "dog", id: "x" },
          { type: "team", id: "a", name: "b" },
        ],
        tags: ["${"],
        priority: "P6",
        details: { a: 1 },
        entity: "${",
        note: "${",
      },
      paths: [
        ...["apiKey", "product", "region", "message", "description", "alias", "responders.0"],
        ...[
          "responders.1.type",
          "responders.2",
          "tags.0",
          "priority",
          "details.a",
          "entity",
          "note",
        ],
      ],
    },
  ],
});

const discordToken = "aW5zZWN1cmUtYnV0LWxvbmctZW5vdWdo-_";
testHook({
  runner,
  hook: discord,
  options: ({ url }) => ({
    webhookUrl: `${url}/api/webhooks/123456789012345678/${discordToken}`,
    allowPrivate: true,
  }),
  secrets: [discordToken],
  respond: json(200, { id: "1" }),
  statuses: { ...statuses, 200: "retry", 201: "retry", 202: "retry" },
  invalid: [
    ...shared,
    { options: {}, paths: ["webhookUrl"] },
    {
      options: {
        webhookUrl: "ftp://discord.com/x",
        username: "${",
        avatarUrl: "picture",
        content: "${",
        embeds: [{ title: "${" }],
        allowedMentions: { parse: ["all"], users: ["ada"], roles: [1] },
      },
      paths: [
        ...["webhookUrl", "username", "avatarUrl", "content", "embeds.0"],
        ...["allowedMentions.parse.0", "allowedMentions.users.0", "allowedMentions.roles.0"],
      ],
    },
    {
      options: { webhookUrl: "https://discord.com/api/webhooks/1/x", embeds: [] },
      paths: ["embeds"],
    },
  ],
});
