import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sqliteStore } from "@pipehooks/sqlite";
import { testStore } from "@pipehooks/testing";
import { afterAll, describe, test } from "vitest";

const folder = mkdtempSync(join(tmpdir(), "pipehooks-sqlite-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

for (const worker of [true, false]) {
  let opened = 0;
  const path = () => join(folder, `${worker}-${opened}.db`);
  testStore({
    name: worker ? "sqlite in a worker" : "sqlite in the caller's thread",
    open() {
      opened += 1;
      return sqliteStore({ path: path(), worker, durability: "normal" });
    },
    openAgain: () => sqliteStore({ path: path(), worker, durability: "normal" }),
    describe,
    test,
  });
}
