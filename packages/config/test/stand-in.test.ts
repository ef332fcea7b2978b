import { join } from "node:path";
import { loadConfig, type MissingReference } from "@pipehooks/config";
import { expect, test } from "vitest";
import { folderWith, resolveFrom } from "./workspace.ts";

const text = (payload: string) => `version: 1
hooks:
  - name: ops
    kind: webhook
    events: "*"
    options: { url: https://example.com/, payload: ${payload} }
`;

/** Loads with stand-ins; answers the payload, the secrets, and what was asked for. */
async function load(payload: string, env: Readonly<Record<string, string>> = {}) {
  const file = join(
    folderWith({ "pipehooks.yaml": text(payload), "secret.txt": "fr0m-a-file" }),
    "pipehooks.yaml",
  );
  const asked: MissingReference[] = [];
  const standIn = (missing: MissingReference) => {
    asked.push(missing);
    return `instead of ${missing.reference}`;
  };
  const { options } = await loadConfig({ file, env, resolveFrom, standIn });
  const hook = options.hooks?.[0]?.hook as { readonly options: Record<string, unknown> };
  return { payload: hook.options.payload, secrets: options.secrets, asked };
}

test("what is missing outside is stood in for, and counts as a secret", async () => {
  const loaded = await load(
    '{ a: "Bearer ${env:TOKEN}", b: "${file:none.txt}", c: "${env:EMPTY}" }',
    { EMPTY: "" },
  );

  expect(loaded).toEqual({
    payload: {
      a: "Bearer instead of env:TOKEN",
      b: "instead of file:none.txt",
      c: "instead of env:EMPTY",
    },
    secrets: ["instead of env:TOKEN", "instead of file:none.txt", "instead of env:EMPTY"],
    asked: [
      { reference: "env:TOKEN", path: "hooks[0].options.payload.a" },
      { reference: "file:none.txt", path: "hooks[0].options.payload.b" },
      { reference: "env:EMPTY", path: "hooks[0].options.payload.c" },
    ],
  });
});

test("what has a value or a default is not", async () => {
  const loaded = await load(
    '{ a: "${env:TOKEN}", b: "${file:secret.txt}", c: "${env:NONE:-default}", d: "${env:NONE:-}" }',
    {
      TOKEN: "r3al-one",
    },
  );

  expect(loaded).toEqual({
    payload: { a: "r3al-one", b: "fr0m-a-file", c: "default", d: "" },
    secrets: ["r3al-one", "fr0m-a-file"],
    asked: [],
  });
});

test("a reference that can have no value is a problem all the same", async () => {
  await expect(load('{ a: "${env:no name}" }')).rejects.toThrow(
    "is no name of an environment variable",
  );
});
