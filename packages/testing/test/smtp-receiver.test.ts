import { once } from "node:events";
import { connect } from "node:net";
import { createSesReceiver, createSmtpReceiver } from "@pipehooks/testing";
import { expect, test } from "vitest";

/** Says lines to a server and answers its replies, without any mail library between. */
async function talk(port: number, lines: readonly string[]): Promise<readonly string[]> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  const replies: string[] = [];
  const reply = async () => {
    let text = "";
    while (!/^\d{3} .*\r\n$/m.test(text)) {
      const [chunk] = await Promise.race([once(socket, "data"), once(socket, "close")]).catch(
        () => [],
      );
      if (!(chunk instanceof Buffer)) return replies.push("closed");
      text += chunk.toString();
    }
    return replies.push(text.trim().split("\r\n").at(-1) ?? "");
  };
  await reply();
  for (const line of lines) {
    if (replies.at(-1) === "closed") break;
    socket.write(`${line}\r\n`);
    await reply();
  }
  socket.destroy();
  return replies;
}

const mail = [
  "EHLO client.example.com",
  "MAIL FROM:<a@example.com>",
  "RCPT TO:<b@example.com>",
  "RCPT TO:<c@example.com>",
  "DATA",
  "Subject: hello\r\n\r\nworld\r\n.",
];

test("it takes mails and records what came", async () => {
  await using smtp = await createSmtpReceiver({ now: () => 12 });

  const replies = await talk(smtp.port, mail);
  await smtp.received(1);

  expect(replies.map((reply) => reply.slice(0, 3))).toEqual([
    "220",
    "250",
    "250",
    "250",
    "250",
    "354",
    "250",
  ]);
  expect(smtp.mails).toMatchObject([
    {
      from: "a@example.com",
      to: ["b@example.com", "c@example.com"],
      text: "Subject: hello\r\n\r\nworld\r\n",
      encrypted: false,
      user: undefined,
      greeting: "client.example.com",
      at: 12,
    },
  ]);
  expect([smtp.connections, smtp.count("rcptTo"), smtp.count("data")]).toEqual([1, 2, 1]);
});

test("a fault answers at its stage, for its recipient and so often", async () => {
  await using smtp = await createSmtpReceiver();
  smtp.fault({ on: "rcptTo", to: "b@example.com", answer: "450 4.2.0 Greylisted", times: 1 });

  const first = await talk(smtp.port, mail.slice(0, 4));
  const second = await talk(smtp.port, mail.slice(0, 4));

  expect(first.slice(-2)).toEqual(["450 4.2.0 Greylisted", "250 Accepted"]);
  expect(second.slice(-2)).toEqual(["250 Accepted", "250 Accepted"]);
});

test("a fault ends when it is disposed of; a mail may be taken and its answer be lost", async () => {
  await using smtp = await createSmtpReceiver();
  const fault = smtp.fault({ on: "data", answer: "cut", effect: true });

  const cut = await talk(smtp.port, mail);
  fault[Symbol.dispose]();
  const whole = await talk(smtp.port, mail);

  expect(cut.at(-1)).toBe("closed");
  expect(whole.at(-1)).toMatch(/^250/);
  expect(smtp.mails).toHaveLength(2);
});

test("strangers are put off until they have waited", async () => {
  let now = 0;
  await using smtp = await createSmtpReceiver({ greylistMs: 60_000, now: () => now });
  const replies: (string | undefined)[] = [];
  for (now of [0, 59_999, 60_000]) replies.push((await talk(smtp.port, mail.slice(0, 3))).at(-1));

  expect(replies.map((reply) => reply?.slice(0, 3))).toEqual(["451", "451", "250"]);
});

test("what is too long is refused, and so is who has not signed in", async () => {
  await using small = await createSmtpReceiver({ size: 10 });
  await using closed = await createSmtpReceiver({ auth: { user: "u", pass: "p" } });
  const login = (pass: string) => [
    "EHLO x",
    `AUTH PLAIN ${Buffer.from(`\0u\0${pass}`).toString("base64")}`,
  ];

  expect((await talk(small.port, mail)).at(-1)).toMatch(/^552 5\.3\.4/);
  expect((await talk(closed.port, mail.slice(0, 2))).at(-1)).toMatch(/^530/);
  expect((await talk(closed.port, login("wrong"))).at(-1)).toMatch(/^535 5\.7\.8/);
  expect((await talk(closed.port, login("p"))).at(-1)).toMatch(/^235/);
});

test("SES: only signed requests, limits and exceptions as the API has them", async () => {
  await using ses = await createSesReceiver({ perSecond: 1, now: () => 0 });
  const authorization =
    "AWS4-HMAC-SHA256 Credential=AKIATEST/20260115/eu-west-1/ses/aws4_request, SignedHeaders=host, Signature=0";
  const send = async (headers: Record<string, string>, to = "b@example.com") => {
    const body = {
      FromEmailAddress: "a@example.com",
      Destination: { ToAddresses: [to] },
      Content: { Raw: { Data: Buffer.from("Subject: hello\r\n\r\nworld").toString("base64") } },
    };
    const response = await fetch(`${ses.url}/v2/email/outbound-emails`, {
      method: "POST",
      headers,
      body: JSON.stringify(body),
    });
    return [response.status, response.headers.get("x-amzn-errortype")];
  };

  expect(await send({})).toEqual([403, "MissingAuthenticationTokenException"]);
  expect(await send({ authorization: authorization.replace("AKIATEST", "AKIAOTHER") })).toEqual([
    403,
    "UnrecognizedClientException",
  ]);
  expect(await send({ authorization }, "nobody")).toEqual([400, "BadRequestException"]);
  expect(await send({ authorization })).toEqual([200, null]);
  expect(await send({ authorization })).toEqual([429, "TooManyRequestsException"]);
  using _fault = ses.fault({ answer: { status: 400, name: "MessageRejected" } });
  expect(await send({ authorization })).toEqual([400, "MessageRejected"]);
  expect(ses.mails).toMatchObject([{ to: ["b@example.com"], text: "Subject: hello\r\n\r\nworld" }]);
});
