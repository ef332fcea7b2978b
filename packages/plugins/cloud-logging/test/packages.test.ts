import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { loadConfig } from "@pipehooks/config";
import { createCloudWatchLogsReceiver } from "@pipehooks/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const own = fileURLToPath(new URL("..", import.meta.url));
const run = promisify(execFile);

/** A project with the plugin, core and zod, and none of the optional packages. */
let folder = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pipehooks-bare-"));
  // Node strips no types below node_modules.
  await cp(join(own, "src"), join(folder, "plugin/src"), { recursive: true });
  await cp(join(own, "package.json"), join(folder, "plugin/package.json"));
  await mkdir(join(folder, "node_modules/@pipehooks"), { recursive: true });
  for (const name of ["@pipehooks/core", "zod"]) {
    await symlink(join(own, "node_modules", name), join(folder, "node_modules", name));
  }
});

afterAll(() => rm(folder, { recursive: true, force: true }));

const options = {
  aws: { logGroup: "/g", region: "eu-west-1" },
  gcp: { projectId: "pipehooks-test" },
  azure: {
    endpoint: "https://logs-a.westeurope-1.ingest.monitor.azure.com",
    dcr: "dcr-0123456789abcdef0123456789abcdef",
    stream: "Custom-PipelineEvents",
  },
};
const installs = [
  [
    "aws",
    "npm install @aws-sdk/client-cloudwatch-logs",
    "npm install @aws-sdk/client-cloudwatch-logs",
  ],
  ["gcp", "npm install @google-cloud/logging", "npm install @google-cloud/logging"],
  [
    "azure",
    "npm install @azure/monitor-ingestion",
    "npm install @azure/monitor-ingestion @azure/identity",
  ],
] as const;

describe("without the client", () => {
  test.for(installs)("of %s a hook says which command installs it", async ([provider, command]) => {
    const program = `
      import { cloudLogging } from "./plugin/src/index.ts";
      const context = { name: "log", redact: (text) => text };
      const options = ${JSON.stringify({ provider, [provider]: options[provider] })};
      await cloudLogging.kind.create(options, context).catch(({ code, message }) => {
        console.log(JSON.stringify({ code, message }));
      });
    `;

    const { stdout } = await run(process.execPath, ["--input-type=module", "--eval", program], {
      cwd: folder,
    });

    expect(JSON.parse(stdout)).toEqual({
      code: "PACKAGE_MISSING",
      message: expect.stringContaining(`The provider "${provider}" needs`),
    });
    expect(JSON.parse(stdout).message).toContain(command);
  });

  test.for(installs)(
    "of %s a configuration is refused, with the whole command",
    async ([provider, , command]) => {
      const file = join(folder, "pipehooks.yaml");
      const snake = JSON.stringify(options[provider]).replaceAll(
        /[A-Z](?=\w*":)/g,
        (letter) => `_${letter.toLowerCase()}`,
      );
      await writeFile(
        file,
        `version: 1
plugins: [./plugin/src/index.ts]
hooks:
  - { name: log, kind: cloud-logging, events: "*", options: { provider: ${provider}, ${provider}: ${snake} } }
`,
      );

      await expect(loadConfig({ file, env: {} })).rejects.toMatchObject({
        message: expect.stringContaining(command),
      });
    },
  );
});

/** Packages of clouds that a program has loaded, by their names. */
async function loadedBy(program: string): Promise<readonly string[]> {
  const tracing = `
    import { registerHooks } from "node:module";
    const seen = new Set();
    registerHooks({
      load(url, context, next) {
        const [name] = /@(?:aws-sdk\\/client|google-cloud\\/logging|azure\\/identity|azure\\/monitor)/.exec(url) ?? [];
        if (name !== undefined) seen.add(name);
        return next(url, context);
      },
    });
    ${program}
    console.log(JSON.stringify([...seen]));
  `;
  const { stdout } = await run(process.execPath, ["--input-type=module", "--eval", tracing], {
    cwd: own,
  });
  return JSON.parse(stdout);
}

test("loading the plugin loads no client", async () => {
  expect(await loadedBy(`await import("@pipehooks/cloud-logging");`)).toEqual([]);
});

test("only the client of the chosen provider is loaded", async () => {
  await using logs = await createCloudWatchLogsReceiver({ groups: { "/g": null } });
  const { url, credentials } = logs;
  const aws = { logGroup: "/g", region: "x", endpoint: url, allowHttp: true, ...credentials };

  const loaded = await loadedBy(`
    const { cloudLogging } = await import("@pipehooks/cloud-logging");
    const { createPipehooks } = await import("@pipehooks/core");
    const hook = cloudLogging(${JSON.stringify({ provider: "aws", aws, batch: { linger: "0s" } })});
    const bus = createPipehooks({ hooks: [{ name: "log", events: "*", hook }] });
    await bus.emit("pipeline.end");
    await bus.close();
  `);

  expect(loaded).toEqual(["@aws-sdk/client"]);
  expect(logs.events).toHaveLength(1);
});

test("the clients are optional, and named in the package", async () => {
  const { peerDependencies, peerDependenciesMeta } = JSON.parse(
    await readFile(join(own, "package.json"), "utf8"),
  );

  for (const [, , command] of installs) {
    for (const name of command.split(" ").slice(2)) {
      expect(peerDependencies).toHaveProperty([name]);
      expect(peerDependenciesMeta[name]).toEqual({ optional: true });
    }
  }
});
