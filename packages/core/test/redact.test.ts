import { createRedactor, redactedMark, redactingLogger, redactJson } from "@pipehooks/core";
import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { createLog } from "./virtual-bus.ts";

const secret = 's3cr"et/p+ß=?';

describe("a redactor", () => {
  test("takes out what is as long as a bundle of certificates, and hundreds of keys", () => {
    const bundle = Array.from({ length: 20_000 }, (_, line) => `line ${line} of the bundle`).join(
      "\n",
    );
    const keys = Array.from({ length: 300 }, (_, key) => `key-${key}-`.padEnd(500, "x"));

    const redact = createRedactor([...keys, bundle, secret]);

    expect(redact(`${bundle} ${JSON.stringify(bundle)} ${keys.join(" ")} ${secret}`)).toBe(
      [redactedMark, `"${redactedMark}"`, ...keys.map(() => redactedMark), redactedMark].join(" "),
    );
  });

  test.for([
    ["as it is", secret],
    ["in JSON", JSON.stringify({ token: secret })],
    ["percent-encoded", `https://x/?t=${encodeURIComponent(secret)}`],
    ["percent-encoded in small digits", `t=${encodeURIComponent(secret).toLowerCase()}`],
    ["percent-encoded but for its slash", `t=${encodeURIComponent(secret).replace("%2F", "/")}`],
    ["in JSON with its slash escaped", JSON.stringify({ secret }).replaceAll("/", "\\/")],
    ["in JSON of ASCII", JSON.stringify({ secret }).replace("ß", "\\u00DF")],
    ["in HTML", secret.replace('"', "&quot;")],
    ["in a form", new URLSearchParams({ t: `${secret} x` }).toString()],
    ["in base64", Buffer.from(secret).toString("base64")],
    ["in base64url", Buffer.from(secret).toString("base64url")],
    ["in base64 of user:password", Buffer.from(`user:${secret}`).toString("base64")],
    ["in base64 behind a text of another length", Buffer.from(`me:${secret}`).toString("base64")],
    ["in base64 before another text", Buffer.from(`a:${secret}:more`).toString("base64")],
  ] as const)("takes a secret out %s", ([, text]) => {
    const redact = createRedactor([secret]);

    const clean = redact(text);

    expect(clean).toContain(redactedMark);
    expect(clean).not.toContain("s3cr");
    expect(Buffer.from(clean.replaceAll(redactedMark, ""), "base64").toString()).not.toContain(
      "s3cr",
    );
  });

  test("takes out what has characters beyond the first 65,536, and half ones", () => {
    const redact = createRedactor(["pass🔑word", "half\ud83dpair"]);

    expect(redact("pass\\ud83d\\udd11word pass%F0%9F%94%91word half\\ud83dpair")).toBe(
      `${redactedMark} ${redactedMark} ${redactedMark}`,
    );
  });

  test("texts and keys of JSON are taken one by one, and numbers stay", () => {
    const redact = createRedactor(["20260329", "data"]);

    expect(redactJson({ d: 20260329, data: ["of 20260329", null, true] }, redact)).toEqual({
      d: 20260329,
      [redactedMark]: [`of ${redactedMark}`, null, true],
    });
  });

  test("leaves everything else as it is, and does nothing without secrets", () => {
    expect(createRedactor(["topsecret"])("a topsecret b topsecre")).toBe(
      `a ${redactedMark} b topsecre`,
    );
    expect(createRedactor([])("text")).toBe("text");
  });

  test("values under four characters are left, for they would hide ordinary text", () => {
    expect(createRedactor(["abc", ""])("abc")).toBe("abc");
  });

  test("a secret that holds another one is replaced whole", () => {
    expect(createRedactor(["pass", "password1"])("password1 pass")).toBe(
      `${redactedMark} ${redactedMark}`,
    );
  });

  test("whatever the secrets are, none is left in what was made of them", () => {
    const property = fc.property(
      fc.array(fc.string({ minLength: 4, maxLength: 12, unit: "binary" }), {
        minLength: 1,
        maxLength: 4,
      }),
      fc.string(),
      (secrets, between) => {
        const redact = createRedactor(secrets);
        const text = secrets.join(between);

        for (const one of secrets) {
          if (redactedMark.includes(one)) continue;
          expect(redact(text).replaceAll(redactedMark, "\u0000").includes(one)).toBe(false);
          expect(redact(JSON.stringify({ one }))).not.toContain(JSON.stringify(one).slice(1, -1));
        }
      },
    );

    fc.assert(property, { numRuns: 30 });
  });
});

describe("a redacting logger", () => {
  test("cleans messages and fields of every level", () => {
    const { lines, logger } = createLog();
    const clean = redactingLogger(logger, createRedactor(["topsecret", "123456"]));

    for (const level of ["debug", "info", "warn", "error"] as const) {
      clean[level]("has topsecret", { url: "x?t=topsecret", deep: [{ topsecret: "topsecret" }] });
    }

    expect(lines).toHaveLength(4);
    expect(lines.join()).not.toContain("topsecret");
    expect(lines[0]).toContain(redactedMark);
  });

  test("takes fields that JSON cannot carry, and numbers that are secrets", () => {
    const { lines, logger } = createLog();
    const clean = redactingLogger(logger, createRedactor(["topsecret", "123456"]));
    const circular: Record<string, unknown> = { token: "topsecret" };
    circular.self = circular;

    clean.info("one", circular);
    clean.info("two", { rows: 10n, pin: 123456, error: new Error("has topsecret") });

    expect(lines).toHaveLength(2);
    expect(lines.join()).not.toContain("topsecret");
    expect(lines.join()).not.toContain("123456");
  });

  test.for([
    ["throws", () => boom()],
    ["rejects", async () => boom()],
  ] as const)("one that %s harms nobody: its lines go to stderr", async ([, fail]) => {
    using stderr = vi.spyOn(console, "error").mockImplementation(() => {});
    const logger = { debug: fail, info: fail, warn: fail, error: fail };
    const clean = redactingLogger(logger, createRedactor(["topsecret"]));

    clean.warn("has topsecret", { rows: 1 });
    clean.info("not shown there");
    clean.error("second");
    await new Promise(setImmediate);

    expect(stderr.mock.calls).toEqual([
      [expect.stringMatching(/error: The logger failed: disk full for \[redacted\]/)],
      ['pipehooks warn: has [redacted] {"rows":1}'],
      ["pipehooks error: second"],
    ]);
  });
});

function boom(): never {
  throw new Error("disk full for topsecret");
}
