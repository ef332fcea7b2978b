import { join } from "node:path";
import { findConfig } from "@pipehooks/config";
import { expect, test } from "vitest";
import { folderWith } from "./workspace.ts";

test.for(["pipehooks.yaml", "pipehooks.yml", "pipehooks.config.ts"])(
  "%s is found from a folder below",
  (name) => {
    const folder = folderWith({ [name]: "", "a/b/keep": "" });

    expect(findConfig(join(folder, "a/b"))).toBe(join(folder, name));
  },
);

test("the nearest file wins, and YAML over TypeScript in one folder", () => {
  const folder = folderWith({
    "pipehooks.yaml": "",
    "a/pipehooks.config.ts": "",
    "a/pipehooks.yml": "",
  });

  expect(findConfig(join(folder, "a"))).toBe(join(folder, "a/pipehooks.yml"));
});

test("nothing is found where there is nothing", () => {
  expect(findConfig(folderWith({}))).toBeUndefined();
});
