import { isConfigError } from "@pipehooks/config";
import { type ErrorCode, isHookError, messageOf } from "@pipehooks/core";
import { UsageError } from "./usage-error.ts";

const wrongInput: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "EVENT_INVALID",
  "EVENT_TOO_LARGE",
  "EVENT_TYPE_UNKNOWN",
  "EVENT_LOOP",
  "CONFIG_INVALID",
  "HOOK_OPTIONS_INVALID",
  "HOOK_KIND_UNKNOWN",
  "PLUGIN_INVALID",
  "PLUGIN_INCOMPATIBLE",
  "PACKAGE_MISSING",
  "TEMPLATE_INVALID",
  "CONDITION_INVALID",
]);

/** What a command that threw ends with. */
export function exitStatusOf(thrown: unknown): number {
  if (thrown instanceof UsageError) return 2;
  return isHookError(thrown) && wrongInput.has(thrown.code) ? 2 : 1;
}

/** Whether the message says all there is to say: no stack helps. */
export function isExpected(thrown: unknown): boolean {
  return thrown instanceof UsageError || isHookError(thrown);
}

/** The message for a terminal. */
export function textOf(thrown: unknown): string {
  return isConfigError(thrown) ? thrown.format() : messageOf(thrown);
}
