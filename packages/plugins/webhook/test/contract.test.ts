import { testHook } from "@pipehooks/testing";
import { webhook } from "@pipehooks/webhook";
import { describe, it } from "vitest";

const secret = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const password = "pa55 wörd/of the day";
const apiKey = "key-4711-0815-secret";
const token = "T0123456789ABCDEFGHIJ";

testHook({
  runner: { describe, it },
  hook: webhook,
  options: ({ url }) => ({
    url: `${url}/hooks/${token}?sig=0a1b2c3d4e5f`,
    allowPrivate: true,
    signing: { secret },
    auth: { basic: { username: "pipehooks", password } },
    headers: { "x-api-key": apiKey },
  }),
  secrets: [secret, password, apiKey, token, "0a1b2c3d4e5f"],
  idempotencyKey: (request) => request.headers["webhook-id"],
  invalid: [
    { options: {}, paths: ["url"] },
    { options: { url: "ftp://example.com/" }, paths: ["url"] },
    { options: { url: "http://example.com/" }, paths: ["url"] },
    { options: { url: "https://user:word@example.com/" }, paths: ["url"] },
    {
      options: {
        url: "not a url",
        method: "GET",
        headers: { host: "x", "bad name": "x", "x-line": "a\r\nb" },
        payload: { text: "${" },
        format: "xml",
        signing: { secret: "whsec_!" },
        auth: {},
        tls: { ca: "no pem", cert: "no pem" },
        proxy: "socks5://localhost",
        compress: "yes",
        allowHttp: 1,
        allowPrivate: "no",
        allow: ["10.0.0.0/33", "example.com"],
        statuses: { 200: "retry", 404: "maybe" },
      },
      paths: [
        "url",
        "method",
        ...["headers.host", "headers.bad name", "headers.x-line"],
        ...["payload", "format", "signing.secret", "auth", "tls.ca", "tls.cert", "proxy"],
        ...["compress", "allowHttp", "allowPrivate", "allow.0", "allow.1"],
        ...["statuses.200", "statuses.404"],
      ],
    },
  ],
});
