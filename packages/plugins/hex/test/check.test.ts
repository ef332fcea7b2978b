import { type Hook, isHookError } from "@pipehooks/core";
import { type HexRunOptions, hexRun } from "@pipehooks/hex";
import {
  createHexReceiver,
  createTestDelivery,
  type HexReceiverOptions,
  openHook,
} from "@pipehooks/testing";
import { expect, test } from "vitest";

const hour = 3_600_000;
const day = 24 * hour;

interface Checked {
  readonly summary: string;
  readonly details?: readonly string[] | undefined;
  readonly warnings: readonly string[];
  readonly runs: number;
}

/** What the check of a hook on the first project says; or what it fails with. */
async function check(
  receiver: HexReceiverOptions,
  { verbose = false, ...more }: Partial<HexRunOptions> & { readonly verbose?: boolean } = {},
): Promise<Checked> {
  await using hex = await createHexReceiver(receiver);
  await using opened = await openHook(hexRun, {
    token: hex.token,
    host: hex.url,
    allowHttp: true,
    project: hex.projectIds[0] ?? "",
    ...more,
  });
  const asked: Hook["check"] = opened.hook.check;
  const report = await Promise.resolve(
    asked?.call(opened.hook, new AbortController().signal, { verbose }),
  ).catch((error: unknown) => {
    if (isHookError(error)) return { summary: `failed: ${error.message}` };
    throw error;
  });
  if (report === undefined) return expect.fail("there is no report");
  const warnings = opened.logs.flatMap(({ level, message }) => (level === "warn" ? [message] : []));
  return { ...report, warnings, runs: hex.runs.length };
}

test("a check names project, person and the end of the token, and runs nothing", async () => {
  const exp = Math.floor((Date.now() + 30.5 * day) / 1000);

  const { summary, details, warnings, runs } = await check({
    projects: [{ title: "Weekly revenue" }],
    tokens: [{ token: "hxtp_aa", exp }],
  });

  expect(summary).toMatch(/^127\.0\.0\.1:\d+: may run "Weekly revenue", published 2026-01-01/);
  expect(summary).toContain("as ada@example.com; its token expires");
  expect(summary).toContain("(in 30 days)");
  expect([details, warnings, runs]).toEqual([undefined, [], 0]);
});

test("a token that ends within three days is warned of, whatever the unit of its time", async () => {
  // Half an hour more than is said, or a check within this very millisecond would say an hour more.
  const at = Date.now() + 35.5 * hour;
  const seconds = await check({ tokens: [{ token: "hxtp_aa", exp: at / 1000 }] });
  const milliseconds = await check({ tokens: [{ token: "hxtp_aa", exp: at }] });

  for (const { summary, warnings } of [seconds, milliseconds]) {
    expect(summary).toContain("(in 35 hours)");
    expect(warnings).toHaveLength(1);
  }
});

test("a workspace token without an end is checked, too", async () => {
  const { summary } = await check({ tokens: [{ token: "hxtw_aa" }] });

  expect(summary).toContain("a workspace token of 7d4b0000");
  expect(summary).toContain("its token does not expire");
});

test("under verbose all projects that the token sees are listed", async () => {
  const others = Array.from({ length: 120 }, (_, at) => ({ title: `P${at}` }));

  const { details = [] } = await check(
    { projects: [{ title: "Weekly revenue" }, ...others] },
    { verbose: true },
  );

  expect(details).toHaveLength(121);
  expect(details[0]).toMatch(/^[0-9a-f-]{36} {2}Weekly revenue {2}\(ada@example\.com, 2026-/);
});

test.for([
  [
    "a project that was never published",
    { projects: [{ title: "A", lastPublishedAt: null }] },
    {},
    "never been published",
  ],
  [
    "a project in the trash",
    { projects: [{ title: "A", trashedAt: "2026-01-01T00:00:00.000Z" }] },
    {},
    "in the trash",
  ],
  [
    "an archived project",
    { projects: [{ title: "A", archivedAt: "2026-01-01T00:00:00.000Z" }] },
    {},
    "is archived",
  ],
  ["a project that is not there", {}, { project: "none" }, 'Check "project"'],
  ["a wrong token", {}, { token: "hxtp_00" }, 'Check "token"'],
  [
    "a token that may not run",
    { tokens: [{ token: "hxtw_aa", mayRun: false }] },
    {},
    "scope to run projects",
  ],
  [
    "a refresh without Can Edit",
    { projects: [{ title: "A", canEdit: false }] },
    { updatePublishedResults: true },
    "Can Edit",
  ],
] as const)("a check fails for %s, and says what to do", async ([, receiver, options, text]) => {
  const { summary } = await check(receiver, options);

  expect(summary).toMatch(/^failed: /);
  expect(summary).toContain(text);
});

test("what would be sent can be seen without sending it, and without the token", async () => {
  await using opened = await openHook(hexRun, {
    token: "hxtp_00112233445566",
    host: "acme.hex.tech",
    project: "p-1",
    inputParams: { day: "${metadata.day:-today}", rows: "${metadata.rows}" },
  });

  const rendered = await opened.hook.render?.(createTestDelivery());

  expect(rendered).toEqual({
    target: "POST https://acme.hex.tech/api/v1/projects/p-1/runs",
    headers: expect.objectContaining({ authorization: "Bearer [redacted]" }),
    body: {
      inputParams: { day: "today", rows: 1250 },
      updatePublishedResults: false,
      useCachedSqlResults: false,
    },
  });
});

test("hooks with an equal token share a destination, which does not show the token", async () => {
  const destinationOf = async (token: string, project: string) => {
    await using opened = await openHook(hexRun, { token, project });
    return opened.destination;
  };

  const first = await destinationOf("hxtp_00112233445566", "a");
  const second = await destinationOf("hxtp_00112233445566", "b");
  const other = await destinationOf("hxtp_99112233445566", "a");

  expect(first).toBe(second);
  expect(first).not.toBe(other);
  expect(first).toMatch(/^app\.hex\.tech#[0-9a-f]{8}$/);
});
