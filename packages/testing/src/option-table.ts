import type { HookKind } from "@pipehooks/core";

/** Names in the first column of the tables in a part of a README, sorted. */
export function rowsOf(part: string): string[] {
  const rows = part.matchAll(/^\| (`\w+`(?:, `\w+`)*) \|/gm);
  return [...rows].flatMap(([, names = ""]) => names.match(/\w+/g) ?? []).sort();
}

/** Names of the options that a kind takes, or of those in one of its blocks, sorted. */
export function optionsOf(kind: HookKind, block?: string): string[] {
  // The contract knows any Standard Schema; those of zod say what they take, too.
  const { jsonSchema } = kind.options["~standard"] as unknown as {
    readonly jsonSchema: { input(options: { readonly target: string }): ObjectSchema };
  };
  const schema = jsonSchema.input({ target: "draft-2020-12" });
  const { properties = {} } = block === undefined ? schema : (schema.properties?.[block] ?? {});
  return Object.keys(properties).sort();
}

interface ObjectSchema {
  readonly properties?: Readonly<Record<string, ObjectSchema>>;
}
