import { once } from "node:events";
import {
  copyFileSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import type { Worker } from "node:worker_threads";
import { sqliteStore } from "@pipehooks/sqlite";
import { describe, expect, test } from "vitest";
import { mountTypeOf, networkFileSystem } from "../src/network-file-system.ts";
import {
  acceptance,
  acceptMany,
  eventIds,
  kept,
  miscounted,
  mountSmall,
  temporaryFolder,
} from "./workshop.ts";

const claimAll = { lanes: [{ hook: "a", keys: [], limit: 1000 }], owner: "me", leaseMs: 1000 };

/** A closed store with some hundred pages of events. */
async function filledFile(): Promise<string> {
  const path = join(temporaryFolder(), "store.db");
  const store = sqliteStore({ path, worker: false, durability: "normal" });
  await acceptMany(store, { prefix: "e", count: 1000, bytes: 1000 });
  await store[Symbol.asyncDispose]();
  return path;
}

describe.for([true, false])("a fault of the file (worker: %s)", (worker) => {
  test("something that is no database is STORE_CORRUPT, says how to recover, and is left as it is", async () => {
    const path = join(temporaryFolder(), "store.db");
    writeFileSync(path, "this is not a database, it is a diary\n".repeat(500));
    const before = readFileSync(path, "utf8");
    const store = kept(sqliteStore({ path, worker }));

    await expect(store.accept([acceptance("e1")])).rejects.toMatchObject({
      code: "STORE_CORRUPT",
      retryable: false,
      message: expect.stringMatching(/store\.db is damaged or not a database.*\.recover/s),
    });
    await expect(store.counts()).rejects.toMatchObject({ code: "STORE_CORRUPT" });
    expect(readFileSync(path, "utf8")).toBe(before);
  });

  test("a file cut short is STORE_CORRUPT", async () => {
    const path = await filledFile();
    truncateSync(path, Math.floor(statSync(path).size / 2));
    const store = kept(sqliteStore({ path, worker }));

    const claimed = store.claim({ ...claimAll, now: Date.now() });

    await expect(claimed).rejects.toMatchObject({ code: "STORE_CORRUPT" });
  });

  test("overwritten pages are STORE_CORRUPT, and the same store works once the file is put right", async () => {
    const path = await filledFile();
    copyFileSync(path, `${path}.copy`);
    const file = openSync(path, "r+");
    writeSync(file, Buffer.alloc(statSync(path).size - 16 * 4096, 0xa5), 0, undefined, 16 * 4096);
    const store = kept(sqliteStore({ path, worker }));

    const claimed = store.claim({ ...claimAll, now: Date.now() });
    await expect(claimed).rejects.toMatchObject({ code: "STORE_CORRUPT" });

    for (const suffix of ["", "-wal", "-shm"]) rmSync(path + suffix, { force: true });
    copyFileSync(`${path}.copy`, path);
    const [lane] = await store.claim({ ...claimAll, now: Date.now() });
    expect(lane?.deliveries).toHaveLength(1000);
  });

  test("a path below a regular file, and a path that is a folder, are STORE_UNWRITABLE", async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, "file"), "");
    mkdirSync(join(folder, "folder.db"));

    for (const path of [join(folder, "file", "store.db"), join(folder, "folder.db")]) {
      const store = kept(sqliteStore({ path, worker }));
      await expect(store.accept([acceptance("e1")])).rejects.toMatchObject({
        code: "STORE_UNWRITABLE",
        message: expect.stringContaining(path),
      });
    }
  });

  test("a folder that takes no folders is STORE_UNWRITABLE at once", async ({ skip }) => {
    if (process.platform !== "linux") skip("only Linux has such a folder for certain");
    const store = kept(sqliteStore({ path: "/proc/none/deeper/store.db", worker }));

    await expect(store.counts()).rejects.toMatchObject({ code: "STORE_UNWRITABLE" });
  });

  test("a read-only folder is STORE_UNWRITABLE, with a store in it and without", async ({
    skip,
  }) => {
    const mounted = mountSmall(8 * 1024 * 1024);
    if (mounted === undefined) return skip("no file system can be mounted here");
    const there = sqliteStore({ path: join(mounted.folder, "there.db"), worker });
    await there.accept([acceptance("e1")]);
    await there[Symbol.asyncDispose]();
    mounted.readOnly();

    for (const name of ["there.db", "new.db"]) {
      const store = kept(sqliteStore({ path: join(mounted.folder, name), worker }));
      await expect(store.accept([acceptance("e2")])).rejects.toMatchObject({
        code: "STORE_UNWRITABLE",
      });
    }
  });

  test("a full disk is STORE_FULL: nothing accepted is lost, nothing half stored, and it goes on once there is room", async ({
    skip,
  }) => {
    const mounted = mountSmall(6 * 1024 * 1024);
    if (mounted === undefined) return skip("no file system can be mounted here");
    const ballast = join(mounted.folder, "ballast");
    writeFileSync(ballast, Buffer.alloc(3 * 1024 * 1024));
    const store = kept(sqliteStore({ path: join(mounted.folder, "store.db"), worker }));
    const stored: string[] = [];

    const refused = async () => {
      for (let n = 0; ; n += 1) {
        await store.accept([
          acceptance(`e${n}`, JSON.stringify({ id: `e${n}`, pad: "x".repeat(9000) })),
        ]);
        stored.push(`e${n}`);
      }
    };
    await expect(refused()).rejects.toMatchObject({ code: "STORE_FULL", retryable: true });

    // More at once than SQLite's cache holds: that fails in the middle instead of at the commit.
    const much = stored.map((_, n) => acceptance(`much${n}`, "x".repeat(250_000)));
    await expect(store.accept(much)).rejects.toMatchObject({ code: "STORE_FULL" });
    expect(stored.length).toBeGreaterThan(20);
    expect(await eventIds(store)).toEqual(stored);
    expect(await miscounted(store)).toBeUndefined();
    rmSync(ballast);
    await store.accept([acceptance("after")]);
    // Purging by number relies on the count of events, which a refused group must not move.
    const purge = { before: 0, deadBefore: Date.now() + 1000, keep: stored.length + 1, limit: 100 };
    await store.cancel({ limit: 10_000 }, Date.now());
    expect(await store.purge(purge)).toBe(0);
    expect(await eventIds(store)).toEqual([...stored, "after"]);
    expect(await miscounted(store)).toBeUndefined();
  });

  test("a store cannot be made on a full disk, and says so", async ({ skip }) => {
    const mounted = mountSmall(1024 * 1024);
    if (mounted === undefined) return skip("no file system can be mounted here");
    const ballast = join(mounted.folder, "ballast");
    try {
      writeFileSync(ballast, Buffer.alloc(2 * 1024 * 1024));
    } catch {
      // It was full before all was written.
    }
    const store = kept(sqliteStore({ path: join(mounted.folder, "store.db"), worker }));

    await expect(store.accept([acceptance("e1")])).rejects.toMatchObject({ code: "STORE_FULL" });

    rmSync(ballast);
    await store.accept([acceptance("e1")]);
  });

  test("a file of a later version is STORE_TOO_NEW, and is not touched", async () => {
    const path = await filledFile();
    const db = new DatabaseSync(path);
    db.exec("PRAGMA user_version = 99");
    db.close();
    const store = kept(sqliteStore({ path, worker }));

    await expect(store.accept([acceptance("new")])).rejects.toMatchObject({
      code: "STORE_TOO_NEW",
      message: expect.stringMatching(/version 99.*Update @pipehooks\/sqlite/s),
    });
    const after = new DatabaseSync(path);
    expect(after.prepare("SELECT count(*) AS n FROM events").get()).toEqual({ n: 1000 });
    after.close();
  });

  test("a database of another program is refused", async () => {
    const path = join(temporaryFolder(), "orders.db");
    const db = new DatabaseSync(path);
    db.exec("CREATE TABLE orders (id)");
    db.close();
    const store = kept(sqliteStore({ path, worker }));

    await expect(store.accept([acceptance("e1")])).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringContaining("another program"),
    });
  });

  test("a file locked for longer than busyTimeoutMs is STORE_BUSY; reading goes on; later it is taken", async () => {
    const path = await filledFile();
    const store = kept(sqliteStore({ path, worker, busyTimeoutMs: 150 }));
    await store.counts();
    const other = new DatabaseSync(path);
    other.exec("BEGIN IMMEDIATE");

    const startedAt = performance.now();
    await expect(store.accept([acceptance("busy")])).rejects.toMatchObject({
      code: "STORE_BUSY",
      retryable: true,
    });
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(140);
    expect(await store.counts()).toEqual([{ hook: "a", state: "waiting", count: 1000 }]);

    other.exec("ROLLBACK");
    other.close();
    const [accepted] = await store.accept([acceptance("busy")]);
    expect(accepted?.duplicate).toBe(false);
  });

  test("a call waits its turn while the file is locked", async () => {
    const path = await filledFile();
    const store = kept(sqliteStore({ path, worker }));
    await store.counts();
    const other = new DatabaseSync(path);
    other.exec("BEGIN IMMEDIATE");

    const accepting = store.accept([acceptance("patient")]);
    expect(await Promise.race([accepting, sleep(100, "waits")])).toBe("waits");
    other.exec("COMMIT");
    other.close();

    expect((await accepting)[0]?.duplicate).toBe(false);
  });

  test("a file deleted under an open store is made anew within a second, so that nothing goes into the void", async () => {
    const path = join(temporaryFolder(), "store.db");
    const store = kept(sqliteStore({ path, worker }));
    await store.accept([acceptance("old")]);
    for (const suffix of ["", "-wal", "-shm"]) rmSync(path + suffix, { force: true });
    await sleep(600);

    await store.accept([acceptance("new")]);

    const other = kept(sqliteStore({ path, worker: false }));
    expect(await eventIds(other)).toEqual(["new"]);
    expect(await miscounted(store)).toBeUndefined();
  });

  test("one call that fails undoes nothing of the others stored with it", async () => {
    const path = join(temporaryFolder(), "store.db");
    const store = kept(sqliteStore({ path, worker }));
    const broken = { ...acceptance("broken"), at: Number.NaN };

    const outcomes = await Promise.allSettled([
      store.accept([acceptance("e1")]),
      store.accept([acceptance("half"), broken]),
      store.accept([acceptance("e2")]),
      store.counts(),
    ]);

    expect(outcomes.map(({ status }) => status)).toEqual([
      "fulfilled",
      "rejected",
      "fulfilled",
      "fulfilled",
    ]);
    expect(outcomes[1]).toMatchObject({ reason: { code: "STORE_FAILED", retryable: false } });
    expect(outcomes[3]).toMatchObject({ value: [{ hook: "a", state: "waiting", count: 2 }] });
    expect(await eventIds(store)).toEqual(["e1", "e2"]);
    expect(await miscounted(store)).toBeUndefined();
    await store.accept([acceptance("half")]);
    expect(await eventIds(store)).toEqual(["e1", "e2", "half"]);
  });

  test("of outcomes that cannot be stored nothing is left, and they are stored once when they come again", async () => {
    const store = kept(sqliteStore({ path: join(temporaryFolder(), "store.db"), worker }));
    await acceptMany(store, { prefix: "e", count: 3 });
    const [lane] = await store.claim({ ...claimAll, now: Date.now() });
    const settlements = (lane?.deliveries ?? []).map(({ id }) => ({
      id,
      owner: "me",
      now: Date.now(),
      to: "delivered" as const,
      attempts: 1,
      attempt: { number: 1, startedAt: 0, durationMs: 1, outcome: "delivered" as const },
    }));
    const [last] = settlements.slice(-1);
    const broken = { ...acceptance("broken"), at: Number.NaN };

    const refused = store.settle([
      ...settlements.slice(0, -1),
      ...(last === undefined ? [] : [{ ...last, emitted: [broken] }]),
    ]);
    await expect(refused).rejects.toMatchObject({ code: "STORE_FAILED" });
    expect(await store.settle(settlements)).toEqual([true, true, true]);

    for (const { id } of settlements) expect(await store.attempts(id)).toHaveLength(1);
    expect(await miscounted(store)).toBeUndefined();
  });
});

describe("the worker", () => {
  test("when it dies, what is under way fails with STORE_FAILED, and the next call starts a new one", async () => {
    const path = join(temporaryFolder(), "store.db");
    const store = kept(sqliteStore({ path }));
    const started = once(process, "worker") as Promise<[Worker]>;
    await store.accept([acceptance("e1")]);
    const [worker] = await started;

    const underWay = [acceptMany(store, { prefix: "x", count: 400, bytes: 2000 }), store.counts()];
    setImmediate(() => void worker.terminate());

    for (const outcome of await Promise.allSettled(underWay)) {
      expect(outcome).toMatchObject({
        status: "rejected",
        reason: {
          code: "STORE_FAILED",
          retryable: true,
          message: expect.stringContaining("same id"),
        },
      });
    }
    await acceptMany(store, { prefix: "x", count: 400 });
    expect(new Set(await eventIds(store)).size).toBe(401);
    expect(await miscounted(store)).toBeUndefined();
  });
});

describe("a network file system", () => {
  test.for([
    [0x6969, undefined, "NFS"],
    [0xff534d42, undefined, "CIFS"],
    [0xff534d42 | 0, undefined, "CIFS"],
    [0xfe534d42, undefined, "SMB2"],
    [0x517b, undefined, "SMB"],
    [0x01021997, undefined, "9P"],
    [0x65735546, "fuse.sshfs", "sshfs"],
    [0x65735546, "fuse.rclone", "rclone"],
    [0x65735546, "fuse.gocryptfs", undefined],
    [0x65735546, undefined, undefined],
    [0xef53, undefined, undefined],
    [0x01021994, undefined, undefined],
    [0x58465342, "xfs", undefined],
  ] as const)("is told by its statfs type: %s %s is %s", ([type, mountType, name]) => {
    expect(networkFileSystem(type, mountType)).toBe(name);
  });

  test("of FUSE is told by the mount that holds the path", () => {
    const mounts = [
      "22 1 0:21 / / rw,relatime shared:1 - ext4 /dev/vda rw",
      "30 22 0:40 / /mnt/my\\040data rw - fuse.sshfs host:/ rw",
      "31 30 0:41 / /mnt/my\\040data/local rw - tmpfs tmpfs rw",
    ].join("\n");

    expect(mountTypeOf("/mnt/my data/store", mounts)).toBe("fuse.sshfs");
    expect(mountTypeOf("/mnt/my data/local/x", mounts)).toBe("tmpfs");
    expect(mountTypeOf("/mnt/my database", mounts)).toBe("ext4");
    expect(mountTypeOf("/", mounts)).toBe("ext4");
  });
});
