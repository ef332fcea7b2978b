import { execFile } from "node:child_process";
import { readFile, rm, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { email } from "@pipehooks/email";
import { createSmtpReceiver } from "@pipehooks/testing";
import { simpleParser } from "mailparser";
import { expect, test } from "vitest";
import { optionsOf, rowsOf } from "../../../testing/src/option-table.ts";

const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");
const folder = fileURLToPath(new URL("..", import.meta.url));

test("the program of the README runs: a failure and its end, in one thread", async () => {
  await using server = await createSmtpReceiver({ auth: { user: "pipelines", pass: "pa55word" } });
  const program = /```ts\n(.*?)```/s.exec(readme)?.[1] ?? "";
  const host = 'host: "smtp.example.com",';
  expect(program).toContain(host);
  // Beside the package, so that imports resolve as in any program that uses it.
  const file = fileURLToPath(new URL(`./readme-${process.pid}.tmp.ts`, import.meta.url));
  await writeFile(file, program.replace(host, `host: "${server.host}", port: ${server.port},`));

  try {
    await promisify(execFile)(process.execPath, [file], {
      env: { ...process.env, SMTP_PASSWORD: "pa55word" },
      timeout: 20_000,
    });
  } finally {
    await rm(file);
  }

  const mails = await Promise.all(server.mails.map(({ raw }) => simpleParser(raw)));
  const [failed, resolved] = mails;
  expect(failed?.subject).toBe("[ERROR] Pipeline orders failed");
  expect(resolved?.subject).toBe("[RESOLVED] Pipeline orders finished");
  expect(resolved?.inReplyTo).toBe(failed?.messageId);
});

test("the README has a row for each option", () => {
  const rowsBelow = (heading: string) => {
    const from = readme.indexOf(heading);
    return rowsOf(readme.slice(from, readme.indexOf("\n\n", readme.indexOf("|---", from))));
  };

  expect(rowsBelow("## Options")).toEqual(optionsOf(email.kind));
  for (const block of ["smtp", "ses"]) {
    const rows = rowsBelow(`\n| \`${block}\` | what`);
    expect(rows).toEqual([block, ...optionsOf(email.kind, block)].sort());
  }
});

test("loading the plugin loads neither nodemailer nor the client of AWS", async () => {
  const program = `
    import { registerHooks } from "node:module";
    const loaded = [];
    registerHooks({
      load(url, context, next) {
        loaded.push(url);
        return next(url, context);
      },
    });
    await import("@pipehooks/email");
    console.log(loaded.filter((url) => /nodemailer\\/|aws-sdk|mailparser/.test(url)).length);
    console.log(loaded.some((url) => url.includes("/zod/")));
  `;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--input-type=module", "--eval", program],
    { cwd: folder },
  );

  expect(stdout.trim()).toBe("0\ntrue");
});

test("without nodemailer the hook says which command installs it", async () => {
  const program = `
    import { registerHooks } from "node:module";
    registerHooks({
      resolve(name, context, next) {
        if (name !== process.env.MISSING) return next(name, context);
        throw Object.assign(new Error("Cannot find package '" + name + "'"), { code: "ERR_MODULE_NOT_FOUND" });
      },
    });
    const { email } = await import("@pipehooks/email");
    const { openHook } = await import("@pipehooks/testing");
    const options = { from: "a@example.com", to: "b@example.com" };
    const way = process.env.MISSING === "nodemailer" ? { smtp: { host: "x" } } : { ses: {} };
    await openHook(email, { ...options, ...way }).catch((error) => console.log(error.code, error.message));
  `;
  const run = (missing: string) =>
    promisify(execFile)(process.execPath, ["--input-type=module", "--eval", program], {
      cwd: folder,
      env: { ...process.env, MISSING: missing },
    });

  expect((await run("nodemailer")).stdout).toMatch(/^PACKAGE_MISSING .*npm install nodemailer\n$/);
  expect((await run("@aws-sdk/client-sesv2")).stdout).toMatch(
    /^PACKAGE_MISSING .*npm install @aws-sdk\/client-sesv2\n$/,
  );
});
