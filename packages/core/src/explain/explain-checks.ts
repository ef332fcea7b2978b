import type { PipehooksEvent } from "../event.ts";
import type { Gate } from "../gates/gate-of.ts";
import { compileTypePatterns } from "../router.ts";
import { explainCondition } from "./explain-condition.ts";
import type { ExplainedCheck } from "./explanation.ts";

/** What a gate asks of an event, each with its own truth. */
export function explainChecks(
  { conditions }: Pick<Gate, "conditions">,
  event: PipehooksEvent,
): readonly ExplainedCheck[] {
  return conditions.map(({ name: option, text, patterns, when, test }) => {
    const name = option.startsWith("input ") ? option : toSnakeCase(option);
    const passed = test(event);
    const fits = patterns === undefined || compileTypePatterns(patterns)(event.type);
    if (!fits) {
      const because = `${event.type} fits none of ${patterns.join(", ")}`;
      return { name, text, passed, because };
    }
    if (when === undefined) {
      const because = patterns === undefined ? text : `${event.type} fits ${patterns.join(", ")}`;
      return { name, text, passed, because: passed ? because : `not so: ${text}` };
    }
    const condition = explainCondition(when, event);
    return { name, text, passed, because: condition.because, condition };
  });
}

/** Options are told as they are in YAML. */
function toSnakeCase(option: string): string {
  return option.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
