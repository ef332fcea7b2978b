import assert from "node:assert/strict";
import { inspect } from "node:util";
import { checkOptions } from "../open-hook.ts";
import type { HookSuite } from "./suite.ts";

/** Options that are wrong. */
export function refusing<Input>(suite: HookSuite<Input>): void {
  const { it } = suite.runner;

  for (const { options, paths } of suite.invalid) {
    it(`bad options are refused at once: ${paths.map((path) => path || "the whole").join(", ")}`, async () => {
      const { problems } = await checkOptions(suite.hook.kind, options);

      const named = problems.map(({ path }) => path);
      for (const path of paths) {
        assert.ok(named.includes(path), `"${path}" is not among ${inspect(problems)}`);
      }
    });
  }
}
