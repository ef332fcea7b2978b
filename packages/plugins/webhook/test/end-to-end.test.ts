import { createPipehooks, type DeliveryRow, silentLogger } from "@pipehooks/core";
import { createHttpReceiver, createVirtualTime, type Respond } from "@pipehooks/testing";
import { webhook } from "@pipehooks/webhook";
import { expect, test } from "vitest";

const hour = 3_600_000;

/** A bus on virtual time with the hook under test and a healthy one beside it, each with a real receiver. */
async function open(
  respond: Respond,
  {
    attempts = 30,
    timeout = "60s",
  }: { readonly attempts?: number; readonly timeout?: string } = {},
) {
  const time = createVirtualTime({ restMs: 5 });
  const receiver = await createHttpReceiver({ respond });
  const other = await createHttpReceiver();
  const retry = { attempts, cap: "10m", jitter: "none" } as const;
  const hooks = createPipehooks({
    hooks: [
      {
        name: "tried",
        events: "pipeline.end",
        hook: webhook({ url: `${receiver.url}/in`, allowPrivate: true }),
        retry,
        timeout,
        breaker: { failures: 1000 },
      },
      {
        name: "healthy",
        events: "pipeline.end",
        hook: webhook({ url: other.url, allowPrivate: true }),
      },
    ],
    clock: time.clock,
    random: time.random,
    logger: silentLogger,
  });
  const rowOf = async (hook: string): Promise<DeliveryRow> => {
    const [row] = await hooks.store.deliveries({ hook });
    if (row === undefined) throw new Error(`no delivery of ${hook}`);
    return row;
  };
  return {
    time,
    receiver,
    hooks,
    rowOf,
    attempts: async () => hooks.store.attempts((await rowOf("tried")).id),
    async [Symbol.asyncDispose]() {
      await hooks.close({ timeoutMs: 0 });
      await receiver[Symbol.asyncDispose]();
      await other[Symbol.asyncDispose]();
    },
  };
}

test("an hour of 500 is outlived: the waits grow, the id stays, and the event arrives", async () => {
  await using bus = await open(500);
  await bus.hooks.emit("pipeline.end", { pipeline: "orders" });
  await bus.time.advance(hour);
  const triedInAnHour = bus.receiver.requests.length;

  bus.receiver.respond(200);
  await bus.time.advance(600_000);

  const row = await bus.rowOf("tried");
  const ids = new Set(bus.receiver.requests.map(({ headers }) => headers["webhook-id"]));
  const times = new Set(bus.receiver.requests.map(({ headers }) => headers["webhook-timestamp"]));
  // At 0 s, 1 s, 4 s, 13 s, 40 s, 121 s, 364 s, and then every ten minutes.
  expect(triedInAnHour).toBe(12);
  expect(row.state).toBe("delivered");
  expect(ids.size).toBe(1);
  expect(times.size).toBe(bus.receiver.requests.length);
  expect((await bus.rowOf("healthy")).state).toBe("delivered");
});

test.for([
  ["seconds", () => "120"],
  ["an IMF date", (at: number) => new Date(at + 120_000).toUTCString()],
  ["an RFC 850 date", (at: number) => rfc850(new Date(at + 120_000))],
  ["an asctime date", (at: number) => asctime(new Date(at + 120_000))],
] as const)(
  "a 429 with Retry-After in %s is waited out, and other hooks go on",
  async ([, header]) => {
    await using bus = await open(() => ({
      status: 429,
      headers: { "retry-after": header(bus.time.now()) },
    }));
    await bus.hooks.emit("pipeline.end", { pipeline: "orders" });
    await bus.time.advance(115_000);
    const triedBefore = bus.receiver.requests.length;
    const paused = (await bus.hooks.health()).destinations.find(({ blockedUntil }) => blockedUntil);

    bus.receiver.respond(200);
    await bus.time.advance(20_000);

    expect(triedBefore).toBe(1);
    expect(paused?.because).toContain("429");
    expect((await bus.rowOf("tried")).state).toBe("delivered");
    expect((await bus.rowOf("healthy")).state).toBe("delivered");
  },
);

test("a 410 ends the delivery and switches the hook off until it is enabled again", async () => {
  await using bus = await open(410);
  await bus.hooks.emit("pipeline.end", { pipeline: "first" });
  await bus.time.advance(1000);
  bus.receiver.respond(200);
  await bus.hooks.emit("pipeline.end", { pipeline: "second" });
  await bus.time.advance(120_000);
  const off = (await bus.hooks.health()).hooks.find(({ name }) => name === "tried");
  const waiting = await bus.rowOf("tried");

  await bus.hooks.enable("tried");
  await bus.time.advance(1000);

  expect(off?.status).toBe("disabled");
  expect(off?.because).toContain("410");
  expect(waiting.state).toBe("waiting");
  expect((await bus.rowOf("tried")).state).toBe("delivered");
});

test.for([
  ["a redirect to a private address", redirect(), "REDIRECT_REFUSED"],
  ["a 401", 401, "RECEIVER_REFUSED"],
] as const)("%s is a dead letter after one attempt", async ([, answer, code]) => {
  await using bus = await open(answer);

  await bus.hooks.emit("pipeline.end", { pipeline: "orders" });
  await bus.time.advance(120_000);

  const [attempt, ...more] = await bus.attempts();
  expect((await bus.rowOf("tried")).state).toBe("dead");
  expect(attempt?.code).toBe(code);
  expect(more).toEqual([]);
  expect((await bus.rowOf("healthy")).state).toBe("delivered");
});

test.for([
  ["an endless body behind a 200", "endless"],
  ["a body that drips behind a 200", "drip-body"],
] as const)("%s counts as delivered", async ([, misbehaviour]) => {
  await using bus = await open(misbehaviour);

  await bus.hooks.emit("pipeline.end", { pipeline: "orders" });
  await expect
    .poll(async () => (await bus.rowOf("tried")).state, { timeout: 10_000 })
    .toBe("delivered");

  expect(bus.receiver.requests).toHaveLength(1);
});

test.for([
  ["an answer of one byte a second", "drip", "TIMEOUT"],
  ["no answer", "never", "TIMEOUT"],
  ["a cut connection", "cut", "RECEIVER_UNREACHABLE"],
] as const)(
  "%s ends within the attempt's time-out and is tried again",
  async ([, misbehaviour, code]) => {
    await using bus = await open(misbehaviour, { attempts: 3, timeout: "5s" });
    await bus.hooks.emit("pipeline.end", { pipeline: "orders" });

    await bus.time.advance(60_000);

    const attempts = await bus.attempts();
    expect((await bus.rowOf("tried")).state).toBe("dead");
    expect(attempts.map((attempt) => attempt.code)).toEqual([code, code, code]);
    expect((await bus.rowOf("healthy")).state).toBe("delivered");
  },
);

test.for([
  ["a mapped metadata address", "http://[::ffff:169.254.169.254]/"],
  ["a name of this machine", "http://localhost:8080/"],
  ["a decimal loopback address", "http://2130706433/"],
] as const)("%s is refused without a request and never tried again", async ([, url]) => {
  const time = createVirtualTime();
  const hooks = createPipehooks({
    hooks: [{ name: "inward", events: "*", hook: webhook({ url, allowHttp: true }) }],
    clock: time.clock,
    random: time.random,
    logger: silentLogger,
  });

  await hooks.emit("pipeline.end", { pipeline: "orders" });
  await time.advance(hour);

  const [row] = await hooks.store.deliveries({});
  const attempts = await hooks.store.attempts(row?.id ?? 0);
  expect(row?.state).toBe("dead");
  expect(attempts.map(({ code }) => code)).toEqual(["TARGET_BLOCKED"]);
  await hooks.close();
});

function redirect() {
  return { status: 301, headers: { location: "http://10.0.0.7/admin?token=x" } };
}

const days = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/** `Sunday, 06-Nov-94 08:49:37 GMT`, RFC 9110 section 5.6.7. */
function rfc850(date: Date): string {
  const [, day, month, year, time] = date.toUTCString().split(" ");
  return `${days[date.getUTCDay()]}, ${day}-${month}-${year?.slice(2)} ${time} GMT`;
}

/** `Sun Nov  6 08:49:37 1994`, RFC 9110 section 5.6.7. */
function asctime(date: Date): string {
  const [weekday, , month, year, time] = date.toUTCString().replace(",", "").split(" ");
  return `${weekday} ${month} ${String(date.getUTCDate()).padStart(2)} ${time} ${year}`;
}
