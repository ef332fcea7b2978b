import { delivering } from "./hook/delivering.ts";
import { hiding } from "./hook/hiding.ts";
import { judging } from "./hook/judging.ts";
import { leaving } from "./hook/leaving.ts";
import { refusing } from "./hook/refusing.ts";
import { stopping } from "./hook/stopping.ts";
import type { HookSuite } from "./hook/suite.ts";

/**
 * The contract that every hook kind over HTTP keeps; declares its tests with the runner given. Real requests go to a
 * receiver on this machine.
 * @example
 * testHook({ runner: { describe, it }, hook: webhook, options: ({ url }) => ({ url }), secrets: [], invalid: [] });
 */
export function testHook<Input>(suite: HookSuite<Input>): void {
  suite.runner.describe(`the hook contract: ${suite.hook.kind.name}`, () => {
    delivering(suite);
    refusing(suite);
    stopping(suite);
    judging(suite);
    hiding(suite);
    leaving(suite);
  });
}
