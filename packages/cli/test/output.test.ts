import { spawn } from "node:child_process";
import { once } from "node:events";
import { openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createHttpReceiver } from "@pipehooks/testing";
import { expect, test } from "vitest";
import { bin, createFolder, hasTerminal, linesOf, webhookTo } from "./command.ts";

const nowhere = webhookTo("http://127.0.0.1:9/");
const escapeCode = "\u001b[";

test.concurrent("--version prints the package's version, --help every command, both with 0", async () => {
  await using folder = await createFolder();
  const manifest = new URL("../package.json", import.meta.url);

  const [version, help, one, same] = await Promise.all([
    folder.run(["--version"]),
    folder.run(["--help"]),
    folder.run(["emit", "--help"]),
    folder.run(["help", "emit"]),
  ]);

  expect(version).toMatchObject({
    status: 0,
    stdout: `${JSON.parse(readFileSync(manifest, "utf8")).version}\n`,
  });
  expect(help.status).toBe(0);
  expect(help.stdout).toMatch(/^ {2}emit .*store an event durably/m);
  expect(one.stdout).toContain("--metadata-json");
  expect(one.stdout).toContain("--config <file>");
  expect(same.stdout).toBe(one.stdout);
});

test.concurrent("no command prints the help on stderr and ends with 2", async () => {
  await using folder = await createFolder();

  const ended = await folder.run([]);

  expect(ended).toMatchObject({ status: 2, stdout: "" });
  expect(ended.stderr).toContain("Usage: pipehooks");
});

test.concurrent.for([
  [["evnts"], "(Did you mean events?)"],
  [["serve"], "unknown command 'serve'"],
  [["events", "--lmit", "3"], "(Did you mean --limit?)"],
  [["--jsn", "events"], "(Did you mean --json?)"],
  [["hooks", "extra"], "too many arguments"],
] as const)("%j ends with 2 and the nearest right name", async ([args, message]) => {
  await using folder = await createFolder(nowhere);

  const refused = await folder.run(args);

  expect(refused).toMatchObject({ status: 2, stdout: "" });
  expect(refused.stderr).toContain(message);
});

test.concurrent("colours come where they are forced, and go with --no-color, NO_COLOR and without a terminal", async () => {
  await using folder = await createFolder(nowhere);
  await folder.run(["emit", "pipeline.end"]);
  const force = { FORCE_COLOR: "1" };

  const [forced, plain, flag, variable] = await Promise.all([
    folder.run(["events"], { env: force }),
    folder.run(["events"]),
    folder.run(["events", "--no-color"], { env: force }),
    folder.run(["events"], { env: { ...force, NO_COLOR: "1" } }),
  ]);

  expect(forced.stdout).toContain(escapeCode);
  for (const { stdout } of [plain, flag, variable]) expect(stdout).not.toContain(escapeCode);
});

test.concurrent("tables fit the terminal's width, and are whole where there is none", async () => {
  await using folder = await createFolder(nowhere);
  const where = "a_rather_long_name_of_something_that_somebody_thought_of";
  await folder.run([
    "emit",
    "pipeline.error",
    "--pipeline",
    where,
    "--error-message",
    `${where} ${where}`,
  ]);
  await folder.run(["emit", "pipeline.end", "--pipeline", "注文パイプライン"]);

  const [narrow, whole] = await Promise.all([
    folder.run(["events"], { env: { COLUMNS: "100" } }),
    folder.run(["events"]),
  ]);

  expect(Math.max(...linesOf(narrow.stdout).map((line) => line.length))).toBeLessThanOrEqual(100);
  expect(narrow.stdout).toContain("…");
  expect(narrow.stdout).toContain("注文パイプライン");
  expect(whole.stdout).toContain(`${where} ${where}`);
});

test.concurrent("what would steer a terminal is taken out of tables", async () => {
  await using folder = await createFolder(nowhere);
  await folder.run(["emit", "pipeline.end", "--pipeline", "a\u001b[2Jb\u0007\nc\u202ed"]);

  const { stdout } = await folder.run(["events"]);

  expect(stdout).toMatch(/ab c d$/m);
});

test.skipIf(!hasTerminal)(
  "in a terminal progress is shown while a person waits, and wiped out at the end",
  async () => {
    await using receiver = await createHttpReceiver({ respond: [500, 200] });
    const yaml = webhookTo(receiver.url).replace("base: 100ms", "base: 1s");
    await using folder = await createFolder(yaml);
    await folder.run(["emit", "pipeline.end"]);

    const shown = await folder.runInTerminal(["deliver", "--for", "10s"]);

    expect(shown).toContain("delivering: 0 delivered, 1 failed attempt, 0 dead");
    expect(shown.endsWith(`\r${escapeCode}2K1 delivered, 0 retrying, 0 dead\r\n`)).toBe(true);
  },
);

test.concurrent("--quiet leaves data and errors, --verbose adds talk and stacks", async () => {
  await using folder = await createFolder(nowhere);

  const [quiet, loud, failed] = await Promise.all([
    folder.run(["emit", "pipeline.end", "--quiet"]),
    folder.run(["enable", "ops", "--verbose"]),
    folder.run(["emit", "pipeline.edn", "--quiet", "--verbose"]),
  ]);

  expect(quiet).toMatchObject({ status: 0, stderr: "" });
  expect(JSON.parse(quiet.stdout)).toMatchObject({ type: "pipeline.end" });
  expect(loud.stderr).toContain('Hook "ops" is enabled.');
  expect(failed.stderr).toMatch(/error: .*\n.*HookError: .*\n +at /s);
});

test.concurrent("a reader that goes away early is no failure", async () => {
  await using folder = await createFolder(nowhere);
  const input = '{"type":"pipeline.end"}\n'.repeat(3000);
  await folder.run(["emit", "--stdin", "--quiet"], { input });

  const listing = folder.start(["events", "--limit", "3000", "--json"]);
  await listing.said(/pipeline\.end/);
  listing.child.stdout.destroy();
  const { stderr, status } = await listing.ended;

  expect(stderr).toBe("");
  expect(status).toBe(0);
});

test.concurrent("what cannot be written fails a command that shows something", async () => {
  await using folder = await createFolder(nowhere);
  await folder.run(["emit", "pipeline.end"]);

  const listing = startUnread(folder.path, ["events"], "pipe");
  listing.stderr?.setEncoding("utf8");
  const [[status], stderr] = await Promise.all([
    once(listing, "close"),
    listing.stderr?.toArray() ?? [],
  ]);

  expect(status).toBe(1);
  expect(stderr.join("")).toMatch(/error: The output could not be written: EBADF.*done stands/);
});

test.concurrent.for([[["deliver", "--follow"]], [["deliver", "--follow", "--json"]]] as const)(
  "%j goes on delivering when its log cannot be written",
  async ([args], { expect, onTestFinished }) => {
    await using receiver = await createHttpReceiver();
    await using folder = await createFolder(webhookTo(receiver.url));

    const following = startUnread(folder.path, args, "unwritable");
    onTestFinished(() => void following.kill("SIGKILL"));
    for (const count of [1, 2, 3]) {
      await folder.run(["emit", "pipeline.end"]);
      await expect.poll(() => receiver.requests.length, { timeout: 20_000 }).toBe(count);
    }

    expect(following.exitCode).toBe(null);
    following.kill();
    await once(following, "exit");
    const ids = receiver.requests.map(({ headers }) => headers["webhook-id"]);
    expect(new Set(ids).size).toBe(3);
  },
);

/** With streams that take nothing, as on a full disk: files that are open for reading only. */
function startUnread(cwd: string, args: readonly string[], talk: "pipe" | "unwritable") {
  const unwritable = openSync(join(cwd, "pipehooks.yaml"), "r");
  const stdio = ["ignore", unwritable, talk === "pipe" ? "pipe" : unwritable] as const;
  return spawn(process.execPath, [bin, ...args], { cwd, stdio: [...stdio] });
}

test.concurrent("no secret of the configuration appears in any command's output or in the store", async () => {
  const secret = "tr0ub4dor&3";
  const url = (port: number) => `http://127.0.0.1:${port}/in?key=${encodeURIComponent(secret)}`;
  await using receiver = await createHttpReceiver({
    respond: ({ headers }) => ({ status: 400, body: `no access with ${headers.authorization}` }),
  });
  await using folder = await createFolder(`version: 1
source: /tests
hooks:
  - name: ops
    kind: webhook
    events: "*"
    options:
      url: "\${env:HOOK_URL}"
      allow_private: true
      headers: { Authorization: "Bearer \${env:TOKEN}" }
`);
  const env = { TOKEN: secret, HOOK_URL: url(receiver.port) };
  const run = (...args: string[]) => folder.run(args, { env });

  const ended = [
    await run("emit", "pipeline.end", "--wait", "--verbose"),
    await run("emit", "pipeline.end", "--pipeline", secret),
    await run("emit", "pipeline.end", "--metadata", `key=${secret}`, "--json"),
    await run("emit", "pipeline.edn", "--pipeline", secret, "--verbose"),
    await run("emit", `pipeline.${secret}`, "--verbose"),
    await run("deliver", "--verbose"),
    ...(await Promise.all(
      [
        ["events"],
        ["events", "--json"],
        ["deliveries"],
        ["deliveries", "--json"],
        ["show", "dlv_1"],
        ["show", "dlv_1", "--json"],
        ["show", secret],
        ["hooks"],
        ["hooks", "--json"],
        ["check", "--verbose"],
        ["validate", "--json"],
        ["plugins"],
        ["replay", "--state", "dead", "--dry-run"],
        ["cancel", secret],
        ["enable", secret],
      ].map((args) => run(...args)),
    )),
  ];

  const all = ended.map(({ stdout, stderr }) => stdout + stderr).join("\n");
  expect(all).toContain("[redacted]");
  for (const form of [secret, encodeURIComponent(secret), Buffer.from(secret).toString("base64")]) {
    expect(all).not.toContain(form.replace(/=+$/, ""));
  }
  expect(receiver.requests[0]?.headers.authorization).toBe(`Bearer ${secret}`);
});

test.concurrent("what is shown as JSON is JSON, whatever the secrets are", async () => {
  await using folder = await createFolder(`version: 1
hooks:
  - name: ops
    kind: webhook
    events: "*"
    options:
      url: https://api.example.com/in
      headers: { X-Account: "\${env:ACCOUNT}", X-Word: "\${env:WORD}" }
`);
  const env = { ACCOUNT: "20260329", WORD: "data" };
  const metadata = ["--metadata", "d=20260329", "--metadata", "of=account 20260329"];

  const emitted = await folder.run(["emit", "pipeline.end", ...metadata], { env });
  const shown = await folder.run(["show", JSON.parse(emitted.stdout).id], { env });

  const redacted = { "meta[redacted]": { d: 20260329, of: "account [redacted]" } };
  expect(JSON.parse(emitted.stdout)).toMatchObject(redacted);
  const [, json = ""] = /^.*\n(\{.*?\n\})\n/s.exec(shown.stdout) ?? [];
  expect(JSON.parse(json)).toMatchObject(redacted);
});
