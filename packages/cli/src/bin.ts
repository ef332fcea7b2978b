#!/usr/bin/env node
// Runs on any Node that knows modules, so that an old one gets a sentence and no stack: nothing newer may stand here,
// and everything else is imported behind the check.
import module from "node:module";

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);

if (major < 22 || (major === 22 && minor < 19) || major === 23) {
  process.stderr.write(
    `pipehooks needs Node 22.19 or newer, and not 23. This is Node ${process.versions.node}. ` +
      "Install a newer one: https://nodejs.org/en/download\n",
  );
  process.exitCode = 2;
} else {
  module.enableCompileCache?.();
  const { runProcess } = await import("./process.ts");
  await runProcess();
}
