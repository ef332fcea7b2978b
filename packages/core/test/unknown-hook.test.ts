import { unknownHook } from "@pipehooks/core";
import { expect, test } from "vitest";

test.for([
  [[], 'There is no hook "osp". Configured are: none.'],
  [["ops", "log"], 'There is no hook "osp". Did you mean "ops"? Configured are: ops, log.'],
] as const)("a hook that is not among %j", ([names, message]) => {
  expect(unknownHook("osp", names)).toMatchObject({ code: "CONFIG_INVALID", message });
});

test("of many hooks twenty are named, but any may have been meant", () => {
  const names = Array.from({ length: 5000 }, (_, n) => `alert-${n}`);

  const { message } = unknownHook("alrt-4999", names);

  expect(message).toContain('Did you mean "alert-4999"? Configured are: alert-0, ');
  expect(message).toMatch(/, alert-19, and 4980 more\.$/);
});
