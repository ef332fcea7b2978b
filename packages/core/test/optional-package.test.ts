import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { loadOptional } from "@pipehooks/core";
import { expect, test } from "vitest";

test("a package that is there is loaded", async () => {
  const zod = await loadOptional("zod", 'The kind "x"', () => import("zod"));

  expect(zod.z.string().parse("a")).toBe("a");
});

test("a package that is missing is named with the command that installs it", async () => {
  const missing = "acme-mailer";

  await expect(
    loadOptional(missing, 'The kind "x"', () => import(/* @vite-ignore */ missing)),
  ).rejects.toMatchObject({
    code: "PACKAGE_MISSING",
    retryable: false,
    message:
      'The kind "x" needs acme-mailer, which is not installed. Install it: npm install acme-mailer',
  });
});

test("a package that is there and broken says so itself", async () => {
  const folder = mkdtempSync(join(tmpdir(), "optional-"));
  mkdirSync(join(folder, "mailer"));
  const file = join(folder, "mailer", "index.mjs");
  writeFileSync(file, 'import "a-part-of-it";');

  const loading = loadOptional(
    "mailer",
    'The kind "x"',
    () => import(/* @vite-ignore */ pathToFileURL(file).href),
  );

  await expect(loading).rejects.toThrow("a-part-of-it");
  await expect(loading).rejects.not.toMatchObject({ code: "PACKAGE_MISSING" });
});
