import { type HookKind, messageOf } from "@pipehooks/core";
import type { StandardSchemaV1 } from "@standard-schema/spec";

/** Asks a kind about options. A check that fails itself is a problem of the options, too: it says which hook it was. */
export async function checkOptionsOf(
  kind: HookKind,
  options: unknown,
): Promise<StandardSchemaV1.Result<unknown>> {
  try {
    return await kind.options["~standard"].validate(options);
  } catch (error) {
    const message = `The kind "${kind.name}" could not check them: ${messageOf(error)}`;
    return { issues: [{ message }] };
  }
}
