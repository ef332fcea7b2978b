import {
  createHttpReceiver,
  createTestDelivery,
  createTestEvent,
  openHook,
} from "@pipehooks/testing";
import { verifyWebhook, type WebhookSigning, webhook } from "@pipehooks/webhook";
import { Webhook } from "standardwebhooks";
import { describe, expect, test } from "vitest";

const id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
const timestamp = 1614265330;
const key = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const key00 = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const publicKey = "whpk_A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=";
const seedAndPublic = Buffer.concat([
  Buffer.from(key00, "base64"),
  Buffer.from(publicKey.slice(5), "base64"),
]).toString("base64");
const common = '{"test": 2432232314}';
const v1 = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
const v1of00 = "v1,O4Gjv1HqPqsMrjmczoggs/sWA8gZD0VyHG+fLh4+ktI=";
const v1a =
  "v1a,yoUrgEkc12aGqm0n4Sydmdz55xJfTz4AsAgieHFjmkR7LJtqVCZOQYzvvHjI5kAey+r4iaBGxTFRrl2iBQxtDQ==";

/** What arrives when the body is exactly this text. */
async function send(signing: WebhookSigning | undefined, body: string, compress = false) {
  await using receiver = await createHttpReceiver();
  await using opened = await openHook(
    webhook,
    { url: receiver.url, allowPrivate: true, payload: "${metadata.body}", signing, compress },
    { clock: { now: () => timestamp * 1000 + 999, timer: () => ({ [Symbol.dispose]() {} }) } },
  );
  await opened.hook.deliver(
    createTestDelivery({ idempotencyKey: id, event: createTestEvent({ metadata: { body } }) }),
  );
  const [request] = receiver.requests;
  return request ?? expect.fail("nothing came");
}

describe("published vectors, as sent", () => {
  test.for([
    ["the published one", { secret: key }, common, v1],
    ["a secret without its prefix", { secret: key.slice(6) }, common, v1],
    ["an empty body", { secret: key }, "", "v1,v48jdbgvh29KJz2Qc+ghw8G6vG3nAKnujWBg8oM/62A="],
    [
      "UTF-8",
      { secret: key },
      '{"name":"Zoë ✓"}',
      "v1,vT3tN68XcRInbQKUomiMDHFgj+JsG9OroWEdDcWGJ5M=",
    ],
    ["another key", { secret: key00 }, common, v1of00],
    ["two keys", { secrets: [key, key00] }, common, `${v1} ${v1of00}`],
    ["Ed25519 by its seed", { ed25519: `whsk_${key00}` }, common, v1a],
    ["Ed25519 by seed and public key", { ed25519: [`whsk_${seedAndPublic}`] }, common, v1a],
    ["both kinds", { secret: key, ed25519: key00 }, common, `${v1} ${v1a}`],
  ] as const)("%s", async ([, signing, body, expected]) => {
    const request = await send(signing, body);

    expect(request.headers["webhook-signature"]).toBe(expected);
    expect(request.headers["webhook-id"]).toBe(id);
    expect(request.headers["webhook-timestamp"]).toBe(String(timestamp));
    expect(request.text).toBe(body);
  });

  test("without signing, id and time are sent and no signature", async () => {
    const { headers } = await send(undefined, common);

    expect(headers).toMatchObject({ "webhook-id": id, "webhook-timestamp": String(timestamp) });
    expect(headers).not.toHaveProperty("webhook-signature");
  });

  test("the signature covers the compressed bytes, those on the wire", async () => {
    const { headers, body } = await send({ secret: key }, common, true);

    expect(headers["content-encoding"]).toBe("gzip");
    expect(body.subarray(0, 2)).toEqual(Buffer.from([0x1f, 0x8b]));
    expect(verifyWebhook({ headers, body, secrets: [key], now: timestamp * 1000 })).toBeDefined();
  });

  test("an independent verifier takes what is sent", async () => {
    await using receiver = await createHttpReceiver();
    const options = { url: receiver.url, allowPrivate: true, signing: { secrets: [key00, key] } };
    await using opened = await openHook(webhook, options);
    await opened.hook.deliver(
      createTestDelivery({ event: createTestEvent({ metadata: { name: "Zoë ✓" } }) }),
    );
    const [request] = receiver.requests;

    for (const secret of [key, key00]) {
      const verified = new Webhook(secret).verify(
        request?.text ?? "",
        // Its type knows no absent headers.
        request?.headers as Record<string, string>,
      );
      expect(verified).toMatchObject({
        type: "pipeline.end",
        data: { metadata: { name: "Zoë ✓" } },
      });
    }
    expect(() =>
      new Webhook(`whsec_${"A".repeat(32)}`).verify(
        request?.text ?? "",
        request?.headers as Record<string, string>,
      ),
    ).toThrow();
  });
});

describe("verifyWebhook", () => {
  const headers = {
    "Webhook-Id": id,
    "webhook-timestamp": String(timestamp),
    "webhook-signature": v1,
  };
  const input = { headers, body: common, secrets: [key], now: timestamp * 1000 };
  const signedBy = (signature: string) => ({ ...headers, "webhook-signature": signature });

  test("answers id and time of what was signed", () => {
    expect(verifyWebhook(input)).toEqual({ id, timestamp: timestamp * 1000 });
  });

  test("takes bytes that are no UTF-8", () => {
    const signature = "v1,LnG3WkOzfoRQ/3pDac+/GoNlsrqPs5DiBa7x/DYw13s=";

    expect(
      verifyWebhook({ ...input, headers: signedBy(signature), body: Buffer.from([0xff, 0]) }),
    ).toBeDefined();
  });

  test("takes any entry of a list by any key, of either kind", () => {
    const list = signedBy(`v2,abc ${v1of00} ${v1a} nonsense`);

    expect(verifyWebhook({ ...input, headers: list, secrets: [key, key00] })).toBeDefined();
    expect(
      verifyWebhook({ ...input, headers: list, secrets: [], publicKeys: [publicKey] }),
    ).toBeDefined();
    expect(verifyWebhook({ ...input, headers: list })).toBeUndefined();
  });

  test.for([
    ["no id", { "Webhook-Id": undefined }],
    ["no timestamp", { "webhook-timestamp": undefined }],
    ["no signature", { "webhook-signature": undefined }],
    ["an id given twice", { "webhook-id": id }],
    ["another id", { "Webhook-Id": "msg_other" }],
    ["a timestamp with trailing garbage", { "webhook-timestamp": `${timestamp}x` }],
    ["another timestamp", { "webhook-timestamp": String(timestamp + 1) }],
    ["an empty MAC", { "webhook-signature": "v1," }],
    ["a truncated MAC", { "webhook-signature": v1.slice(0, -8) }],
    ["a right MAC under the wrong version", { "webhook-signature": v1.replace("v1,", "v1a,") }],
    ["a right MAC under no version", { "webhook-signature": v1.slice(3) }],
    [
      "10,000 entries before the right one",
      { "webhook-signature": `${"v1,AAAA ".repeat(10_000)}${v1}` },
    ],
  ] as const)("refuses %s", ([, wrong]) => {
    const given = { ...input, publicKeys: [publicKey] };

    expect(verifyWebhook({ ...given, headers: { ...headers, ...wrong } })).toBeUndefined();
  });

  test("refuses one flipped bit of the body", () => {
    const body = Buffer.from(common);
    body[3] = (body[3] ?? 0) ^ 1;

    expect(verifyWebhook({ ...input, body })).toBeUndefined();
  });

  test.for([
    [300, true],
    [-300, true],
    [301, false],
    [-301, false],
  ] as const)("%i seconds from now: %s", ([seconds, isTaken]) => {
    const now = (timestamp + seconds) * 1000;

    expect(verifyWebhook({ ...input, now }) !== undefined).toBe(isTaken);
  });

  test("the tolerance can be set", () => {
    const now = (timestamp + 11) * 1000;

    expect(verifyWebhook({ ...input, now, toleranceMs: 10_000 })).toBeUndefined();
    expect(verifyWebhook({ ...input, now, toleranceMs: 11_000 })).toBeDefined();
  });

  test.for([
    ["toleranceMs", Number.NaN],
    ["toleranceMs", Number.POSITIVE_INFINITY],
    ["toleranceMs", -1],
    ["toleranceMs", "5m"],
    ["now", Number.NaN],
    ["now", "2021-02-25"],
  ] as const)("%s of %j is an error of the program, not a window without end", ([name, value]) => {
    const wrong = { ...input, [name]: value };

    expect(() => verifyWebhook(wrong)).toThrow(
      expect.objectContaining({
        code: "HOOK_OPTIONS_INVALID",
        message: expect.stringContaining(`"${name}"`),
      }),
    );
  });

  test("a tolerance of 0 takes the very second", () => {
    expect(verifyWebhook({ ...input, toleranceMs: 0 })).toBeDefined();
    expect(verifyWebhook({ ...input, toleranceMs: 0, now: input.now + 1 })).toBeUndefined();
  });

  test("refuses an id with a dot, which could move the borders of what was signed", () => {
    const dotted = { ...headers, "Webhook-Id": `${id}.1` };

    expect(verifyWebhook({ ...input, headers: dotted })).toBeUndefined();
  });

  test.for([
    [{ secrets: [] }, "0 keys"],
    [{ secrets: Array(9).fill(key) }, "9 keys"],
    [{ secrets: ["whsec_"] }, "secrets.0"],
    [{ secrets: ["whsec_no base64"] }, "secrets.0"],
    [{ publicKeys: ["whpk_AAAA"] }, "publicKeys.0"],
  ] as const)("keys that cannot be used are an error of the program: %j", ([keys, why]) => {
    expect(() => verifyWebhook({ ...input, ...keys })).toThrow(why);
  });
});

describe("signing options", () => {
  test.for([
    [{ secret: "whsec_" }, "signing.secret"],
    [{ secret: "whsec_c2hvcnQ=" }, "signing.secret"],
    [{ secret: `whsec_${Buffer.alloc(65).toString("base64")}` }, "signing.secret"],
    [{ secrets: [key, "?"] }, "signing.secrets.1"],
    [{ secret: key, secrets: [key] }, "signing.secrets"],
    [{ ed25519: "whsk_AAAA" }, "signing.ed25519"],
    [{ ed25519: [`whsk_${Buffer.alloc(64).toString("base64")}`] }, "signing.ed25519.0"],
    [{ secrets: Array(8).fill(key), ed25519: `whsk_${key00}` }, "signing"],
    [{}, "signing"],
  ] as const)("%j is refused at %s", async ([signing, path]) => {
    const result = await webhook.kind.options["~standard"].validate({
      url: "https://x.de/",
      signing,
    });

    expect(result.issues?.map((issue) => issue.path?.join("."))).toContain(path);
    expect(JSON.stringify(result.issues)).not.toContain(key.slice(6));
  });
});
