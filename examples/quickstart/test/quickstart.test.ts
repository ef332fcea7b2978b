import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const main = fileURLToPath(new URL("../main.ts", import.meta.url));
let folder = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pipehooks-quickstart-test-"));
});

afterAll(() => rm(folder, { recursive: true }));

describe("the tour", () => {
  let tours: { readonly status: number; readonly out: string; readonly err: string }[] = [];
  let out = "";

  beforeAll(async () => {
    tours = await Promise.all([run(), run({ FORCE_COLOR: "1" })]);
    out = tours[0]?.out ?? "";
  });

  test("two at once both end by themselves, with 0 and without a complaint", () => {
    expect(tours.map(({ status, err }) => ({ status, err }))).toEqual([
      { status: 0, err: "" },
      { status: 0, err: "" },
    ]);
  });

  test("it shows the events of both flowgroups and the action that fails", () => {
    expect(out).toMatch(/event +table.created +shop \/ ingest \/ load_orders +.*50,000 rows/);
    expect(out).toMatch(/event +table.created +shop \/ report \/ sum_up_days +.*28 rows/);
    expect(out).toMatch(/event +action.error +.*DataQualityError: 5 of 40 refunds have no order/);
    expect(out).toMatch(/event +pipeline.error +shop/);
    expect(out).not.toContain("pipeline.end");
  });

  test("a delivery is tried until it arrives, after the waits that the screen names", () => {
    const [first, second, third] = timesOf(out, /pipeline.start, attempt \d: (?:503|500|200)/);

    expect(out).toMatch(/retry +ops +pipeline.start, attempt 1: 503, again in 1/);
    expect(out).toMatch(/paused +ops +nothing goes to 127.0.0.1:\d+ for /);
    expect(out).toMatch(/retry +ops +pipeline.start, attempt 2: 500, again in /);
    expect(out).toMatch(/delivered +ops +pipeline.start, attempt 3: 200/);
    expect(second).toBeGreaterThanOrEqual((first ?? 0) + 1);
    expect(third).toBeGreaterThan((second ?? 0) + 0.5);
  });

  test("the events of the run arrive in their order, each with a good signature", () => {
    const bodies = [...out.matchAll(/POST \/ops +signature good, answers 200 +(.*)/g)].map(
      ([, body = ""]) => JSON.parse(body),
    );

    expect(bodies).toEqual([
      { status: "pipeline.start", table: null, problem: null },
      { status: "table.created", table: "orders", problem: null },
      { status: "table.created", table: "daily_sales", problem: null },
      { status: "pipeline.error", table: null, problem: "5 of 40 refunds have no order" },
    ]);
    expect(out).not.toContain("signature bad");
  });

  test("what is refused becomes a dead letter, and arrives when it is replayed", () => {
    const steps = [
      /dead +on-call +pipeline.error, attempt 1: 403, not tried again/,
      /dead +on-call +dlv_\d+, pipeline.error\n.*answered 403/,
      /POST \/on-call +signature good, answers 200 +shop is broken: 5 of 40 refunds have no order/,
      /delivered +on-call +pipeline.error, attempt 1: 200/,
      /on-call +1 delivered\n/,
    ].map((step) => out.search(step));

    expect(steps).not.toContain(-1);
    expect(steps).toEqual(steps.toSorted((a, b) => a - b));
  });

  test("it ends with three commands to try next", () => {
    const [, next = ""] = out.split("\nNext:\n");

    expect(next.trimEnd().split("\n")).toHaveLength(3);
  });

  test("colours are for terminals", () => {
    expect(out).not.toContain("\u001b[");
    expect(tours[1]?.out).toContain("\u001b[");
  });

  test("nothing is left behind", async () => {
    expect(await readdir(folder)).toEqual([]);
  });
});

test.for(["SIGINT", "SIGTERM"] as const)(
  "%s ends the tour and its receiver, and nothing is left behind",
  async (signal) => {
    const tour = start();
    const address = await addressOf(tour);

    tour.kill(signal);
    const [status] = await once(tour, "exit");

    expect(status).toBe(130);
    await expectClosed(address);
    expect(await readdir(folder)).toEqual([]);
  },
);

test("the receiver ends with the tour, however that ends", async () => {
  const tour = start();
  const address = await addressOf(tour);

  tour.kill("SIGKILL");
  await once(tour, "exit");

  await expectClosed(address);
});

function start(env: NodeJS.ProcessEnv = {}) {
  const { FORCE_COLOR: _, ...rest } = process.env;
  return spawn(process.execPath, [main], {
    env: { ...rest, TMPDIR: folder, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
}

async function run(env?: NodeJS.ProcessEnv) {
  const tour = start(env);
  const ended = once(tour, "exit");
  const [out, err] = await Promise.all([text(tour.stdout), text(tour.stderr)]);
  const [status] = await ended;
  return { status, out, err };
}

/** The seconds at the beginning of the lines that fit. */
function timesOf(out: string, pattern: RegExp): number[] {
  const lines = out.split("\n").filter((line) => pattern.test(line));
  return lines.map((line) => Number.parseFloat(line));
}

/** Waits until the screen names the receiver. */
function addressOf({ stdout }: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    let seen = "";
    stdout?.on("data", (chunk) => {
      seen += chunk;
      const [, address] = /nothing goes to (127.0.0.1:\d+)/.exec(seen) ?? [];
      if (address !== undefined) resolve(address);
    });
  });
}

async function expectClosed(address: string): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    const answered = await fetch(`http://${address}/`).then(
      () => true,
      () => false,
    );
    if (!answered) return;
    if (tries > 100) throw new Error(`${address} still answers.`);
    await sleep(20);
  }
}
