import { createHash, createVerify, generateKeyPairSync } from "node:crypto";
import { email } from "@pipehooks/email";
import { createSesReceiver, createTestDelivery, openHook } from "@pipehooks/testing";
import { expect, test } from "vitest";
import { failedEvent, from, openPostOffice, to } from "./post-office.ts";

function newKey() {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  return {
    privateKey: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    publicKey: publicKey.export({ type: "spki", format: "pem" }).toString(),
  };
}

test("each mail is signed: the hash of its body and the signature of its headers are right", async () => {
  const { privateKey, publicKey } = newKey();
  const dkim = { domain: "example.com", selector: "pipelines", privateKey };
  await using office = await openPostOffice({ dkim });

  await office.deliver({ event: failedEvent() });

  const [signature] = signaturesOf(office.server.mails[0]?.text ?? "");
  expect(signature?.tags).toMatchObject({
    a: "rsa-sha256",
    c: "relaxed/relaxed",
    d: "example.com",
    s: "pipelines",
    bh: signature?.bodyHash,
  });
  expect(signature?.tags.h?.split(":").map((name) => name.toLowerCase())).toEqual(
    expect.arrayContaining(["from", "to", "subject", "date", "message-id"]),
  );
  expect(signature?.isSignedBy(publicKey)).toBe(true);
  expect(signature?.isSignedBy(newKey().publicKey)).toBe(false);
});

test("several keys sign at once, while they change", async () => {
  const [first, second] = [newKey(), newKey()];
  await using office = await openPostOffice({
    dkim: [
      { domain: "example.com", selector: "new", privateKey: first.privateKey },
      { domain: "example.com", selector: "old", privateKey: second.privateKey },
    ],
  });

  await office.deliver();

  const selectors = signaturesOf(office.server.mails[0]?.text ?? "").map(({ tags }) => tags.s);
  expect(selectors.sort()).toEqual(["new", "old"]);
});

test("mails by SES are signed, too", async () => {
  const { privateKey, publicKey } = newKey();
  await using service = await createSesReceiver();
  await using opened = await openHook(email, {
    ses: {
      region: "eu-west-1",
      endpoint: service.url,
      credentials: { accessKeyId: "AKIATEST", secretAccessKey: "s3cret" },
    },
    dkim: { domain: "example.com", selector: "pipelines", privateKey },
    from,
    to,
  });

  await opened.hook.deliver(createTestDelivery());

  const [signature] = signaturesOf(service.mails[0]?.text ?? "");
  expect(signature?.tags.bh).toBe(signature?.bodyHash);
  expect(signature?.isSignedBy(publicKey)).toBe(true);
  // SES replaces these two.
  expect(signature?.tags.h).not.toMatch(/message-id|\bdate\b/i);
});

/** The signatures of a mail with what they should say, by RFC 6376 (relaxed/relaxed). */
function signaturesOf(mail: string) {
  const cut = mail.indexOf("\r\n\r\n");
  const headers = mail
    .slice(0, cut)
    .replace(/\r\n(?=[ \t])/g, "\u0000")
    .split("\r\n")
    .map((line) => line.replaceAll("\u0000", "\r\n"));
  const body = mail
    .slice(cut + 4)
    .replace(/[ \t]+/g, " ")
    .replace(/ \r\n/g, "\r\n")
    .replace(/(?:\r\n)*$/, "\r\n");
  const bodyHash = createHash("sha256").update(body).digest("base64");
  const own = headers.filter((line) => /^dkim-signature:/i.test(line));
  return own.map((header) => {
    const value = header.slice(header.indexOf(":") + 1).replace(/\s+/g, " ");
    const tags = Object.fromEntries(
      value.split(";").map((tag) => {
        const [name = "", ...rest] = tag.split("=");
        return [name.trim(), rest.join("=").replace(/\s+/g, "")];
      }),
    ) as Readonly<Record<string, string | undefined>>;
    const names = tags.h?.split(":") ?? [];
    const signed = names.map((name) => relax(headers.find((line) => isNamed(line, name)) ?? ""));
    const unsigned = relax(header).replace(/b=[^;]*$/, "b=");
    const data = [...signed.map((line) => `${line}\r\n`), unsigned].join("");
    return {
      tags,
      bodyHash,
      isSignedBy: (key: string) =>
        createVerify("sha256")
          .update(data)
          .verify(key, tags.b ?? "", "base64"),
    };
  });
}

function isNamed(line: string, name: string): boolean {
  return line.slice(0, line.indexOf(":")).toLowerCase() === name.toLowerCase();
}

function relax(line: string): string {
  const at = line.indexOf(":");
  const value = line
    .slice(at + 1)
    .replace(/\r\n/g, "")
    .replace(/[ \t]+/g, " ")
    .trim();
  return `${line.slice(0, at).toLowerCase().trim()}:${value}`;
}
