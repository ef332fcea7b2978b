import { generateKeyPairSync, randomBytes, sign } from "node:crypto";

/** A key and the certificate that it signed for itself; PEM texts. */
export interface TestCertificate {
  readonly key: string;
  readonly cert: string;
}

/** For a server on this machine: `localhost` and `127.0.0.1`. Follows RFC 5280, section 4.1. */
export function createTestCertificate(): TestCertificate {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const name = sequence(set(sequence(oid("550403"), node(0x0c, Buffer.from("localhost")))));
  const ecdsaWithSha256 = sequence(oid("2a8648ce3d040302"));
  const names = sequence(
    node(0x82, Buffer.from("localhost")),
    node(0x87, Buffer.from([127, 0, 0, 1])),
  );
  const isAuthority = sequence(node(0x01, Buffer.from([0xff])));
  const body = sequence(
    node(0xa0, integer(Buffer.from([2]))),
    // The first bit is zero: a positive number.
    integer(Buffer.concat([Buffer.from([1]), randomBytes(15)])),
    ecdsaWithSha256,
    name,
    sequence(node(0x17, Buffer.from("200101000000Z")), node(0x17, Buffer.from("491231235959Z"))),
    name,
    publicKey.export({ type: "spki", format: "der" }),
    node(0xa3, sequence(extension("551d13", isAuthority), extension("551d11", names))),
  );
  const signature = sign("sha256", body, privateKey);
  const certificate = sequence(
    body,
    ecdsaWithSha256,
    node(0x03, Buffer.concat([Buffer.from([0]), signature])),
  );
  return {
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    cert: toPem(certificate),
  };
}

/** One value in DER: what it is, how long, and itself. */
function node(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const size =
    length < 0x80
      ? [length]
      : length < 0x100
        ? [0x81, length]
        : [0x82, Math.floor(length / 0x100), length % 0x100];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

function sequence(...parts: Buffer[]): Buffer {
  return node(0x30, Buffer.concat(parts));
}

function set(...parts: Buffer[]): Buffer {
  return node(0x31, Buffer.concat(parts));
}

function integer(bytes: Buffer): Buffer {
  return node(0x02, bytes);
}

function oid(hex: string): Buffer {
  return node(0x06, Buffer.from(hex, "hex"));
}

function extension(id: string, value: Buffer): Buffer {
  return sequence(oid(id), node(0x04, value));
}

function toPem(der: Buffer): string {
  const lines = der.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}
