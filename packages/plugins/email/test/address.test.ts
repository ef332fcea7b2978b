import { createTestEvent } from "@pipehooks/testing";
import { describe, expect, test } from "vitest";
import { openPostOffice } from "./post-office.ts";

/** What an attempt failed with whose `to` an event brings. */
async function failureOf(owner: string | object) {
  await using office = await openPostOffice({ to: "${metadata.owner}" });
  const metadata = { owner: JSON.parse(JSON.stringify(owner)) };
  return office.failure({ event: createTestEvent({ metadata }) });
}

test.for([
  ["a@example.com", ["a@example.com"]],
  ["Bea <b@example.com>; c@example.com,", ["b@example.com", "c@example.com"]],
  ['"Team, data" <a@example.com>, b@example.com', ["a@example.com", "b@example.com"]],
  ['"a \\", \\\\" <a@example.com>, b@example.com', ["a@example.com", "b@example.com"]],
  ["  Zoë Ø.   <a@example.com>  ", ["a@example.com"]],
] as const)("%s is read", async ([owner, expected]) => {
  await using office = await openPostOffice({ to: "${metadata.owner}" });

  await office.deliver({ event: createTestEvent({ metadata: { owner } }) });

  expect(office.server.mails[0]?.to).toEqual(expected);
});

describe("what is no address", () => {
  test("is named with the hook, and with the option as it is written in code and in YAML", async () => {
    await using office = await openPostOffice({
      to: "a@example.com",
      replyTo: "${metadata.reply:-}",
      toBySeverity: { info: "${metadata.owner:-a@example.com}" },
    });

    const [owner, reply] = await Promise.all(
      [{ owner: "nobody" }, { reply: "nobody" }].map((metadata) =>
        office.failure({ event: createTestEvent({ metadata }) }),
      ),
    );

    expect(owner?.message).toBe(
      'test: "toBySeverity.info" ("to_by_severity.info" in YAML) has "nobody", which is no address; write a@example.com or Name <a@example.com>.',
    );
    expect(reply?.message).toMatch(/^test: "replyTo" \("reply_to" in YAML\) has "nobody"/);
  });

  test.for([
    ["quote signs", '"'.repeat(30_000)],
    ["spaces", `a${" ".repeat(100_000)}b`],
    ["backslashes in quotes", `"${"\\".repeat(100_000)}`],
    ["commas in quotes", `"${",".repeat(100_000)}`],
    ["a name without an end", `${"n".repeat(100_000)} <a@example.com>`],
    ["an object", { list: "x".repeat(100_000).split("") }],
  ] as const)("is found at once, and shown in part, however long it is: %s", async ([, owner]) => {
    const startedAt = performance.now();

    const error = await failureOf(owner);

    expect(error.code).toBe("REQUEST_INVALID");
    expect(error.message.length).toBeLessThan(400);
    expect(performance.now() - startedAt).toBeLessThan(1_000);
  });

  test("is what is longer than 2048 characters, its name included", async () => {
    const name = "n".repeat(2_032);
    await using office = await openPostOffice({ to: `${name} <a@example.com>` });

    await office.deliver();

    expect(office.server.mails).toHaveLength(1);
    expect((await failureOf(`n${name} <a@example.com>`)).message).toMatch(
      /^test: "to" has "n{79}…", which has 2049 characters, where an address has 2048 at most\.$/,
    );
  });
});
