import { eventFields } from "./event.ts";
import type { HookConfig } from "./hook-config.ts";
import { didYouMean } from "./nearest.ts";

/**
 * Names in the configuration of hooks that fit nothing else in it, a line for each. They may be meant: another process may
 * define the type. A hook that waits for a slip of the pen waits for ever.
 */
export function strangersIn(
  hooks: readonly HookConfig[],
  known: {
    readonly types: readonly string[];
    readonly allowUnknownTypes: boolean;
    readonly destinations: readonly string[];
  },
): readonly string[] {
  return hooks.flatMap(({ name, events = [], orderBy, destination }) => {
    const at = `Hook "${name}": `;
    const types = known.allowUnknownTypes ? [] : [events].flat().filter(isPlain);
    const unknown = types.filter((type) => !known.types.includes(type));
    const [field = ""] = (orderBy ?? "").split(".");
    return [
      ...unknown.map(
        (type) =>
          `${at}no event type is called "${type}". ${didYouMean(type, known.types)}Give it to "events" of the bus, or set allowUnknownTypes.`,
      ),
      ...(field === "" || eventFields.includes(field)
        ? []
        : [
            `${at}an event has no field "${field}", which "orderBy" names. ${didYouMean(field, eventFields)}`,
          ]),
      ...(destination === undefined ||
      known.destinations.length === 0 ||
      known.destinations.includes(destination)
        ? []
        : [
            `${at}there is no "${destination}" among "destinations". ${didYouMean(destination, known.destinations)}`,
          ]),
    ].map((line) => line.trimEnd());
  });
}

/** Whether it names one type, and is no glob. */
function isPlain(pattern: string): boolean {
  return /^[\w.-]+$/.test(pattern);
}
