import { checkOptions } from "@pipehooks/testing";
import { webhook } from "@pipehooks/webhook";
import { describe, expect, test } from "vitest";
import { z } from "zod";

const url = "https://api.example.com/";

async function problemsOf(options: unknown): Promise<Record<string, string>> {
  const { problems } = await checkOptions(webhook.kind, options);
  return Object.fromEntries(problems.map(({ path, message }) => [path, message]));
}

test("everything is optional but the url", async () => {
  expect(await problemsOf({ url })).toEqual({});
});

describe("headers", () => {
  test("what frames, routes or signs the message is refused, all at once, in any case", async () => {
    const names = [
      ..."Host Content-Length Transfer-Encoding Connection Upgrade TE Trailer Expect".split(" "),
      ..."Proxy-Authorization Webhook-Id webhook-custom Keep-Alive Accept-Encoding".split(" "),
      "Content-Encoding",
    ];

    const problems = await problemsOf({
      url,
      headers: Object.fromEntries(names.map((name) => [name, "x"])),
    });

    expect(Object.keys(problems).sort()).toEqual(names.map((name) => `headers.${name}`).sort());
  });

  test.for(["a\r\nb: c", "a\nb", "a\u0000", "a\u007f", "€"])(
    "a value with %j is refused and not shown",
    async (value) => {
      const problems = await problemsOf({ url, headers: { "x-key": `s3cret${value}` } });

      expect(problems["headers.x-key"]).toBeDefined();
      expect(JSON.stringify(problems)).not.toContain("s3cret");
    },
  );

  test("names in different case are one header", async () => {
    expect(Object.keys(await problemsOf({ url, headers: { "X-A": "1", "x-a": "2" } }))).toEqual([
      "headers.x-a",
    ]);
  });

  test("Latin-1 and tabs are taken", async () => {
    expect(await problemsOf({ url, headers: { "x-name": "Zoë\tx" } })).toEqual({});
  });
});

describe("options that exclude or need each other", () => {
  test.for([
    [{ url: "http://example.com/" }, "url"],
    [{ url, format: "template" }, "payload"],
    [{ url, format: "cloudevents", payload: {} }, "payload"],
    [{ url, auth: { bearer: "x" }, headers: { authorization: "y" } }, "headers.authorization"],
    [{ url, auth: { bearer: "x", basic: { username: "u", password: "p" } } }, "auth"],
    [{ url, auth: { basic: { username: "a:b", password: "p" } } }, "auth.basic.username"],
    [{ url, auth: { bearer: "two words" } }, "auth.bearer"],
    [{ url, format: "cloudevents", headers: { "Content-Type": "x" } }, "headers.Content-Type"],
    [{ url, format: "cloudevents-binary", headers: { "ce-id": "x" } }, "headers.ce-id"],
    [{ url: "http://example.com/", allowHttp: true, tls: { verify: false } }, "tls"],
    [{ url, proxy: "http://u:p%zz@proxy:3128" }, "proxy"],
    [{ url, proxy: "http://100%@proxy:3128" }, "proxy"],
    [{ url, unknown: 1 }, ""],
  ] as const)("%j is refused at %s", async ([options, path]) => {
    expect(Object.keys(await problemsOf(options))).toEqual([path]);
  });

  test("plain http is taken with allowHttp or allowPrivate", async () => {
    expect(await problemsOf({ url: "http://example.com/", allowHttp: true })).toEqual({});
    expect(await problemsOf({ url: "http://10.0.0.1/", allowPrivate: true })).toEqual({});
  });

  test("these rules are told beside wrong types", async () => {
    const problems = await problemsOf({
      url: "http://example.com/",
      method: 5,
      format: 7,
      headers: 3,
      proxy: 1,
    });

    expect(Object.keys(problems).sort()).toEqual(["format", "headers", "method", "proxy", "url"]);
  });
});

test("a proxy whose password cannot be decoded is refused without being shown", async () => {
  const problems = await problemsOf({ url, proxy: "http://u:s3cret%zz@proxy:3128" });

  expect(problems.proxy).toContain("%25");
  expect(JSON.stringify(problems)).not.toContain("s3cret");
});

test("options that are no object are refused", async () => {
  for (const options of [undefined, null, "https://example.com/", []]) {
    expect(Object.keys(await problemsOf(options))).toEqual([""]);
  }
});

test("there is a JSON Schema that says what each option is", () => {
  // The contract knows any Standard Schema; this kind's is of zod.
  const schema = z.toJSONSchema(webhook.kind.options as unknown as z.ZodType, { io: "input" });

  expect(schema).toMatchObject({ type: "object", required: ["url"], additionalProperties: false });
  expect(Object.keys(schema.properties ?? {}).sort()).toEqual(
    "allow allowHttp allowPrivate auth compress format headers method payload proxy signing statuses tls url".split(
      " ",
    ),
  );
});
