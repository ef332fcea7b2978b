import { connect, isIP, type Socket } from "node:net";
import {
  BlockedTarget,
  createTargetGuard,
  guardConnector,
  originOf,
  probe,
  type Resolve,
  type TargetRules,
  targetShape,
} from "@pipehooks/core/targets";
import { createHttpReceiver } from "@pipehooks/testing";
import { buildConnector } from "undici";
import { describe, expect, test } from "vitest";
import { z } from "zod";

/** For what must be decided without DNS. */
const noDns: Resolve = (hostname) => expect.fail(`${hostname} was looked up`);

function refusalOf(url: string, rules: TargetRules = {}, route: "direct" | "proxy" = "direct") {
  return createTargetGuard(new URL(url), rules, noDns).refusalOf(route);
}

/** Whether an address that a name led to may be connected to. */
function isReached(address: string, rules: TargetRules = {}, port = 443): boolean {
  const guard = createTargetGuard(new URL(`https://example.com:${port}/`), rules, noDns);
  try {
    guard.checkAddress(address);
    return true;
  } catch (error) {
    expect(error).toBeInstanceOf(BlockedTarget);
    return false;
  }
}

const privateRanges = [
  ..."127.0.0.0/8 10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 100.64.0.0/10".split(" "),
  ..."::1/128 fc00::/7".split(" "),
];
/** Closed with `allowPrivate`, too. */
const closedRanges = [
  ..."0.0.0.0/8 169.254.0.0/16 192.0.0.0/24 192.0.2.0/24 192.88.99.0/24 198.18.0.0/15".split(" "),
  ..."198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4".split(" "),
  ..."168.63.129.16/32 100.100.100.200/32".split(" "),
  ..."::/128 ::2/128 ::7f00:1/128 64:ff9b::/96 64:ff9b:1::/48 100::/64 100:0:0:1::/64".split(" "),
  ..."2001::/23 2001:db8::/32 2002::/16 3fff::/20 5f00::/16 fe80::/10 fec0::/10 ff00::/8".split(
    " ",
  ),
  ..."fd00:ec2::254/128 fd00:ec2::23/128 fd20:ce::254/128".split(" "),
];

/** First and last address of a range. */
function edgesOf(range: string): [string, string] {
  const [address = "", prefix] = range.split("/");
  const isShort = isIP(address) === 4;
  const [bits, width] = isShort ? [8n, 4] : [16n, 8];
  const groups = isShort ? address.split(".").map(Number) : groupsOf(address);
  const first = groups.reduce((sum, group) => (sum << bits) | BigInt(group), 0n);
  const last = first | ((1n << (bits * BigInt(width) - BigInt(Number(prefix)))) - 1n);
  const write = (value: bigint) =>
    Array.from({ length: width }, (_, at) =>
      ((value >> (bits * BigInt(width - 1 - at))) & ((1n << bits) - 1n)).toString(
        isShort ? 10 : 16,
      ),
    ).join(isShort ? "." : ":");
  return [write(first), write(last)];
}

function groupsOf(address: string): number[] {
  const [head = [], tail = []] = address
    .split("::")
    .map((part) => (part === "" ? [] : part.split(":").map((group) => Number.parseInt(group, 16))));
  return [...head, ...Array<number>(8 - head.length - tail.length).fill(0), ...tail];
}

describe("addresses", () => {
  test.for([...privateRanges, ...closedRanges])("%s is closed from end to end", (range) => {
    expect(edgesOf(range).map((address) => isReached(address))).toEqual([false, false]);
  });

  test.for(privateRanges)("allowPrivate opens %s from end to end", (range) => {
    const reached = edgesOf(range).map((address) => isReached(address, { allowPrivate: true }));

    expect(reached).toEqual([true, true]);
  });

  test.for(closedRanges)("allowPrivate does not open %s", (range) => {
    const reached = edgesOf(range).map((address) => isReached(address, { allowPrivate: true }));

    expect(reached).toEqual([false, false]);
  });

  test.for([
    ..."1.1.1.1 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0".split(
      " ",
    ),
    ..."169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0 192.167.255.255 192.169.0.0".split(
      " ",
    ),
    ..."198.17.255.255 198.20.0.0 223.255.255.255 168.63.129.15 168.63.129.17".split(" "),
    ..."2606:4700::1111 2001:200::1 2003::1 2a00:1450::1 ::ffff:8.8.8.8 [2606:4700::1111]".split(
      " ",
    ),
  ])("%s is public", (address) => {
    expect(isReached(address)).toBe(true);
  });

  test.for([
    ..."::ffff:127.0.0.1 ::FFFF:7F00:1 0:0:0:0:0:ffff:a9fe:a9fe fe80::1%eth0 [::1]".split(" "),
    ..."[::ffff:10.0.0.1] 2130706433 localhost".split(" "),
    "",
  ])("%j, in whatever notation, is closed", (address) => {
    expect(isReached(address)).toBe(false);
  });

  test("a socket that does not tell its address is refused", () => {
    const guard = createTargetGuard(new URL("https://example.com/"), { allowPrivate: true }, noDns);

    expect(() => guard.checkAddress(undefined)).toThrow(BlockedTarget);
  });

  test.for([
    ..."2130706433 0x7f.1 0x7f000001 0177.0.0.1 127.1 １２７.０.０.１ 127.0.0.1.".split(" "),
    ..."[::1] [::ffff:127.0.0.1] [::ffff:a9fe:a9fe] [64:ff9b::a00:1] [2002:7f00:1::]".split(" "),
  ])("https://%s/ is refused without DNS", (host) => {
    expect(refusalOf(`https://${host}/`)).toBeInstanceOf(BlockedTarget);
    expect(refusalOf(`https://${host}/`, {}, "proxy")).toBeInstanceOf(BlockedTarget);
  });

  test("a public address is not refused", () => {
    expect(refusalOf("https://1.1.1.1/")).toBeUndefined();
    expect(refusalOf("https://[2606:4700::1111]/")).toBeUndefined();
  });

  test("the message says who was refused and what to do, and the address stands beside it", () => {
    const guard = createTargetGuard(new URL("https://example.com/"), { who: "alerts" }, noDns);

    expect(() => guard.checkAddress("10.1.2.3")).toThrow(
      expect.objectContaining({
        code: "TARGET_BLOCKED",
        address: "10.1.2.3",
        message:
          'resolves to an address that alerts must not reach. If this is intended, name its range under "allow" or set "allowPrivate" ("allow_private" in YAML)',
      }),
    );
    expect(refusalOf("https://10.1.2.3/")?.message).toMatch(
      /^is an address that hooks must not reach/,
    );
  });
});

describe("allow", () => {
  test.for([
    ["10.0.0.0/8", "10.255.0.1", true],
    ["10.0.0.0/8", "11.0.0.1", true],
    ["10.0.0.0/8", "127.0.0.1", false],
    ["10.1.2.3", "10.1.2.3", true],
    ["10.1.2.3", "10.1.2.4", false],
    ["10.1.2.3:443", "10.1.2.3", true],
    ["10.1.2.3/32:8443", "10.1.2.3", false],
    ["169.254.169.254", "169.254.169.254", true],
    ["169.254.169.254", "::ffff:169.254.169.254", true],
    ["fd00::/8:443", "fd00::1", true],
    ["fd00::/8:8443", "fd00::1", false],
    ["::/0", "10.0.0.1", false],
    ["0.0.0.0/0", "::1", false],
    ["0.0.0.0/0", "10.0.0.1", true],
  ] as const)("with %s, %s is reached: %s", ([entry, address, expected]) => {
    expect(isReached(address, { allow: [entry] })).toBe(expected);
  });

  const schema = z.strictObject(targetShape);

  test.for([
    ..."10.0.0.0/33 ::/129 10.0.0.0/8:0 10.0.0.0/8:65536 ::ffff:10.0.0.0/104 fe80::1%eth0 x".split(
      " ",
    ),
    ..."10.0.0.0/ 10.0.0/8 localhost example.com:443".split(" "),
  ])("%s is no entry of it", (entry) => {
    const { error } = schema.safeParse({ allow: ["10.0.0.0/8", entry] });

    expect(error?.issues.map(({ path }) => path)).toEqual([["allow", 1]]);
  });

  test.for(["10.0.0.0/8", "10.1.2.3/32:8443", "fd00::/8:443", "fd00::1", "::1/128"])(
    "%s is an entry of it",
    (entry) => {
      expect(schema.safeParse({ allow: [entry] }).success).toBe(true);
    },
  );
});

describe("names for internal use", () => {
  test.for([
    ..."localhost LOCALHOST. a.localhost printer.local db.internal db.internal. kubernetes".split(
      " ",
    ),
  ])("https://%s/ is refused without DNS", (host) => {
    expect(refusalOf(`https://${host}/`)?.message).toMatch(/^is a name for internal use/);
  });

  test("allowPrivate lets them be looked up, and so does allow, which must name the address then", () => {
    const url = new URL("https://db.internal/");
    const allowing = createTargetGuard(url, { allow: ["10.0.0.0/8"] }, noDns);

    expect(refusalOf(url.href, { allowPrivate: true })).toBeUndefined();
    expect(allowing.refusalOf("direct")).toBeUndefined();
    expect(() => allowing.checkAddress("10.0.0.1")).not.toThrow();
    expect(() => allowing.checkAddress("93.184.215.14")).toThrow(BlockedTarget);
  });

  test("behind a proxy, where the address stays unknown, allow does not help", () => {
    expect(refusalOf("https://db.internal/", { allow: ["10.0.0.0/8"] }, "proxy")).toBeInstanceOf(
      BlockedTarget,
    );
  });
});

describe("plain http", () => {
  test.for([
    ["93.184.215.14", {}, false],
    ["93.184.215.14", { allowPrivate: true }, false],
    ["93.184.215.14", { allowHttp: true }, true],
    ["10.0.0.1", { allowPrivate: true }, true],
    ["10.0.0.1", { allowHttp: true }, false],
    ["10.0.0.1", { allow: ["10.0.0.0/8"] }, false],
    ["10.0.0.1", { allow: ["10.0.0.0/8"], allowHttp: true }, true],
  ] as const)("to %s with %j is sent: %s", ([address, rules, expected]) => {
    expect(refusalOf(`http://${address}/`, rules) === undefined).toBe(expected);
  });

  test("behind a proxy a name may be public, so it needs allowHttp", () => {
    const url = "http://example.com/";

    expect(refusalOf(url, { allowPrivate: true }, "proxy")?.message).toContain("allowHttp");
    expect(refusalOf(url, { allowHttp: true }, "proxy")).toBeUndefined();
    expect(refusalOf(url, {}, "direct")).toBeUndefined();
  });
});

describe("lookup", () => {
  type Found = readonly { readonly address: string; readonly family: number }[];

  function lookUp(
    found: Found | Error,
    options: { readonly all?: boolean; readonly family?: number; readonly hints?: number } = {},
  ) {
    const asked: unknown[] = [];
    const guard = createTargetGuard(
      new URL("https://example.com/"),
      {},
      (hostname, wanted, callback) => {
        asked.push(hostname, wanted);
        if (found instanceof Error) callback(found, []);
        else callback(null, found);
      },
    );
    return new Promise<{ asked: unknown[]; answer: unknown[] }>((resolve) =>
      guard.lookup("example.com", options, (...answer) => resolve({ asked, answer })),
    );
  }

  const first = { address: "93.184.215.14", family: 4 };
  const second = { address: "2606:4700::1111", family: 6 };

  test("all addresses are asked for and judged, whatever was wanted", async () => {
    const one = await lookUp([first, second], { family: 4, hints: 32 });
    const all = await lookUp([first, second], { all: true });

    expect(one.asked).toEqual(["example.com", { all: true, family: 4, hints: 32 }]);
    expect(one.answer).toEqual([null, first.address, 4]);
    expect(all.asked).toEqual(["example.com", { all: true }]);
    expect(all.answer).toEqual([null, [first, second]]);
  });

  test("one blocked address among several is enough to refuse", async () => {
    const { answer } = await lookUp([first, { address: "::ffff:10.0.0.1", family: 6 }]);

    expect(answer).toEqual([expect.any(BlockedTarget), ""]);
  });

  test("a failed lookup is passed on, and a name without addresses is not found", async () => {
    const failure = Object.assign(new Error("later"), { code: "EAI_AGAIN" });

    expect((await lookUp(failure)).answer).toEqual([failure, ""]);
    expect((await lookUp([])).answer).toEqual([expect.objectContaining({ code: "ENOTFOUND" }), ""]);
  });
});

describe("a guarded connector", () => {
  const to = (url: URL, rules: TargetRules, found: string) => {
    const guard = createTargetGuard(url, rules, (_hostname, _options, callback) =>
      callback(null, [{ address: found, family: 4 }]),
    );
    return probe(guardConnector(buildConnector, guard)({ timeout: 2_000 }), url);
  };

  test("reaches what the guard lets through, by the addresses that were judged", async () => {
    await using receiver = await createHttpReceiver();
    const url = new URL(`http://example.com:${receiver.port}/`);

    expect(await to(url, { allowPrivate: true }, "127.0.0.1")).toBe("TCP");
    await expect(to(url, { allowHttp: true }, "127.0.0.1")).rejects.toBeInstanceOf(BlockedTarget);
    expect(receiver.connections).toBe(1);
  });

  test("judges the open socket once more, and closes one that it refuses", async () => {
    await using receiver = await createHttpReceiver();
    const url = new URL(`http://example.com:${receiver.port}/`);
    const guard = createTargetGuard(url, { allowHttp: true }, noDns);
    const sockets: Socket[] = [];
    const around = guardConnector(
      () => (_target: object, callback) => {
        const socket = connect(receiver.port, "127.0.0.1", () => callback(null, socket));
        sockets.push(socket);
      },
      guard,
    );

    await expect(probe(around({}), url)).rejects.toMatchObject({ address: "127.0.0.1" });

    expect(sockets.map(({ destroyed }) => destroyed)).toEqual([true]);
  });

  test("a probe ends when its signal aborts, and does not begin when it has", async () => {
    const url = new URL("https://example.com/");
    const reason = new Error("stopped");
    const controller = new AbortController();
    let begun = 0;
    const silent = () => {
      begun += 1;
    };

    const probing = probe(silent, url, controller.signal);
    controller.abort(reason);

    await expect(probing).rejects.toBe(reason);
    await expect(probe(silent, url, AbortSignal.abort(reason))).rejects.toBe(reason);
    expect(begun).toBe(1);
  });
});

test("an origin has its port, also where it is the scheme's own", () => {
  const origins = ["https://a.example/x", "http://a.example", "https://[::1]:8443/"];

  expect(origins.map((url) => originOf(new URL(url)))).toEqual([
    "a.example:443",
    "a.example:80",
    "[::1]:8443",
  ]);
});
