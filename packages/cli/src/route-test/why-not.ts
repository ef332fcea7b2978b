import type { EmitResult, Pipehooks } from "@pipehooks/core";

/** Why a hook has no delivery of what was emitted: one line for each event. */
export async function whyNot(
  bus: Pipehooks,
  hook: string,
  emitted: readonly EmitResult[],
): Promise<readonly string[]> {
  if (emitted.length === 0) return [`Nothing was emitted since the last expectation of "${hook}".`];
  return Promise.all(
    emitted.map(async ({ event, duplicate }) => {
      const { type, id, source } = event;
      if (duplicate) return `${type} (${id}): the id was emitted before, so it adds nothing`;
      const explanation = await bus.explain(id, { hook, source });
      const why = explanation?.hooks.find((explained) => explained.hook === hook)?.summary;
      return `${type} (${id}): ${why ?? "the store does not have it any more"}`;
    }),
  );
}
