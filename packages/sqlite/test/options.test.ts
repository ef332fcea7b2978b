import { spawnSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { StatementSync } from "node:sqlite";
import { isHookError } from "@pipehooks/core";
import { type SqliteStoreOptions, sqliteStore } from "@pipehooks/sqlite";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { acceptance, acceptMany, eventIds, kept, startChild, temporaryFolder } from "./workshop.ts";

describe("options", () => {
  test("path: the file and its folder are made with the first call, and no sooner", async () => {
    const path = join(temporaryFolder(), "some", "folder", "é store.db");
    const store = kept(sqliteStore({ path }));
    expect(existsSync(path)).toBe(false);

    await store.accept([acceptance("e1")]);

    expect(existsSync(path)).toBe(true);
    expect(store.description).toBe(`sqlite:${path}`);
    expect(store.durable).toBe(true);
  });

  test("durability: full brings what was accepted to the disk, normal leaves that to the system", async ({
    skip,
  }) => {
    if (process.platform !== "linux")
      skip("only Linux tells how much of a file is not on the disk");
    const unsynced = async (durability: string) => {
      const child = startChild("unsynced", join(temporaryFolder(), "store.db"), durability);
      return Number((await child.line("cancelled_write_bytes")).split(" ")[1]);
    };
    const [full, normal] = [await unsynced("full"), await unsynced("normal")];
    if (normal === 0) skip("the file system of the temporary folder has no disk behind it");

    expect(full).toBe(0);
  });

  test.for([
    [undefined, 1],
    [true, 1],
    [false, 0],
  ] as const)("worker: %s starts %i threads", async ([worker, threads]) => {
    let started = 0;
    const count = () => {
      started += 1;
    };
    process.on("worker", count);
    const store = kept(sqliteStore({ path: join(temporaryFolder(), "store.db"), worker }));

    await acceptMany(store, { prefix: "e", count: 10 });

    process.off("worker", count);
    expect(started).toBe(threads);
    expect(await eventIds(store)).toHaveLength(10);
  });

  test.for([true, false])("faked timers hold up no call (worker: %s)", async (worker) => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const store = sqliteStore({ path: join(temporaryFolder(), "store.db"), worker });

    await acceptMany(store, { prefix: "e", count: 10 });

    expect(await eventIds(store)).toHaveLength(10);
    await store[Symbol.asyncDispose]();
  });

  test("where a process may start no thread it does without one, and says so", async () => {
    const path = join(temporaryFolder(), "store.db");
    const program = `
      import { sqliteStore } from "@pipehooks/sqlite";
      const stores = ["a", "b"].map((name) => sqliteStore({ path: process.argv[1] + name }));
      for (const store of stores) await store.accept([${JSON.stringify(acceptance("e1"))}]);
      const found = await Promise.all(stores.map((store) => store.events({})));
      console.log(found.map(({ length }) => length).join());
      for (const store of stores) await store[Symbol.asyncDispose]();
    `;
    const flags = ["--permission", "--allow-fs-read=*", "--allow-fs-write=*"];

    const { stdout, stderr } = spawnSync(
      process.execPath,
      [...flags, "--input-type=module", "--eval", program, path],
      { cwd: import.meta.dirname, encoding: "utf8" },
    );

    expect(stdout).toBe("1,1\n");
    expect(
      stderr.match(/it has no thread of its own, for .* \(--allow-worker lets it\)/g),
    ).toHaveLength(1);
  });

  test("a node:sqlite that is too old, as that of Node 23, is refused", async () => {
    const { prototype } = StatementSync;
    const had = Object.getOwnPropertyDescriptor(prototype, "setReturnArrays");
    onTestFinished(() => void Object.defineProperty(prototype, "setReturnArrays", had ?? {}));
    Reflect.deleteProperty(prototype, "setReturnArrays");
    const store = sqliteStore({ path: join(temporaryFolder(), "store.db"), worker: false });

    await expect(store.counts()).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringContaining("Use Node 22 from 22.19 on, or Node 24 or newer."),
    });
  });

  test("maxBytes: a file at its bound takes no more, keeps what it has, and takes more once there is room", async () => {
    const path = join(temporaryFolder(), "store.db");
    const store = kept(sqliteStore({ path, maxBytes: 1024 * 1024 }));
    const stored: string[] = [];
    const fill = async () => {
      for (let round = 0; ; round += 1) {
        stored.push(...(await acceptMany(store, { prefix: `e${round}`, count: 20, bytes: 2000 })));
      }
    };

    await expect(fill()).rejects.toMatchObject({ code: "STORE_FULL", retryable: true });

    expect(statSync(path).size).toBeLessThanOrEqual(1024 * 1024);
    expect(await eventIds(store)).toEqual(expect.arrayContaining(stored));
    await store.cancel({ limit: 1000 }, Date.now());
    const later = Date.now() + 1000;
    await store.purge({ before: later, deadBefore: later, limit: 100 });
    await store.accept([acceptance("again")]);
  });

  test.for<[Partial<SqliteStoreOptions>, RegExp]>([
    [{ path: "" }, /path must be the path of a file/],
    [{ path: ":memory:" }, /use the memory store/],
    [{ durability: "none" as "full" }, /durability must be/],
    [{ worker: 1 as unknown as boolean }, /worker must be/],
    [{ busyTimeoutMs: -1 }, /busyTimeoutMs must be/],
    [{ maxBytes: 5 }, /maxBytes must be/],
    [{ pathe: "x" } as Partial<SqliteStoreOptions>, /pathe is not an option/],
    [{ path: "", busyTimeoutMs: Number.NaN }, /path must be.*; busyTimeoutMs must be/],
  ])("%o is refused when the store is made", ([wrong, message]) => {
    const make = () => sqliteStore({ path: "store.db", ...wrong });

    expect(make).toThrow(message);
    try {
      make();
    } catch (error) {
      expect(isHookError(error) && error.code).toBe("CONFIG_INVALID");
    }
  });
});
