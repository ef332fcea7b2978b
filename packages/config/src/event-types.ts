import { defineEvents, isHookError, messageOf, nearest } from "@pipehooks/core";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { ErrorObject } from "ajv";
import type { Report } from "./report.ts";
import type { JsonSchema } from "./shape.ts";

type Metadata = JsonSchema | boolean;

/** Event types of a file: name to JSON Schema of the metadata. */
export type EventTypeInput = Readonly<Record<string, { readonly metadata?: Metadata | undefined }>>;

/**
 * Turns the `event_types` of a file into validators; what is wrong with a schema goes to `report`. Types outside of
 * `only` are known by name alone.
 */
export async function compileEventTypes(
  types: EventTypeInput,
  { report, only }: { readonly report: Report; readonly only?: readonly string[] | undefined },
): Promise<Record<string, StandardSchemaV1>> {
  const names = Object.keys(types).filter((type) => checkName(type, report));
  const used = names.filter((type) => only?.includes(type) ?? true);
  const byName = Object.fromEntries(names.map((type) => [type, anything]));
  if (used.length === 0) return byName;
  const compile = await createCompiler();
  for (const type of used) {
    const metadata = types[type]?.metadata ?? true;
    byName[type] = compile(metadata, ["eventTypes", type, "metadata"], report);
  }
  return byName;
}

function checkName(type: string, report: Report): boolean {
  try {
    defineEvents({ [type]: anything });
    return true;
  } catch (error) {
    if (!isHookError(error)) throw error;
    report({ steps: ["eventTypes", type], message: error.message });
    return false;
  }
}

const anything: StandardSchemaV1 = {
  "~standard": { version: 1, vendor: "pipehooks", validate: (value) => ({ value }) },
};

type Compile = (
  metadata: Metadata,
  steps: readonly PropertyKey[],
  report: Report,
) => StandardSchemaV1;

// Loaded when a file declares event types: other files do not pay for it.
async function createCompiler(): Promise<Compile> {
  const [{ Ajv2020 }, { default: formats }] = await Promise.all([
    import("ajv/dist/2020.js"),
    import("ajv-formats"),
  ]);
  const ajv = new Ajv2020({
    allErrors: true,
    verbose: true,
    strict: true,
    strictTypes: false,
    strictRequired: false,
    strictTuples: false,
    logger: false,
  });
  formats.default(ajv);
  const keywords = Object.keys(ajv.RULES.keywords);

  return (metadata, steps, report) => {
    if (typeof metadata !== "boolean" && ajv.validateSchema(metadata) !== true) {
      for (const error of sharpest(ajv.errors ?? [])) {
        report({
          steps: [...steps, ...stepsOf(error.instancePath)],
          message: `Not a JSON Schema (draft 2020-12): it ${textOf(error)}.`,
          suggestion: suggestionFor(error),
        });
      }
      return anything;
    }
    try {
      const validate = ajv.compile(metadata as object);
      return toStandard(metadata, (value) => (validate(value) ? [] : (validate.errors ?? [])));
    } catch (error) {
      const message = messageOf(error).replace(/^strict mode: /, "");
      const [, word] = /"([^"]+)"/.exec(message) ?? [];
      report({
        steps: [...steps, ...(word === undefined ? [] : (pathOfKey(metadata, word) ?? []))],
        message: `Not a JSON Schema (draft 2020-12): ${message}.`,
        suggestion: word === undefined ? undefined : nearest(word, keywords),
      });
      return anything;
    }
  };
}

function toStandard(
  metadata: Metadata,
  errorsOf: (value: unknown) => readonly ErrorObject[],
): StandardSchemaV1 {
  const schema = metadata === true ? {} : metadata;
  return {
    "~standard": {
      version: 1,
      vendor: "pipehooks",
      validate(value) {
        const errors = errorsOf(value);
        if (errors.length === 0) return { value };
        return { issues: errors.map(toIssue) };
      },
      // Lets others ask for the JSON Schema, as zod's own schemas do (https://standardschema.dev/json-schema).
      ...{ jsonSchema: { input: () => schema, output: () => schema } },
    },
  };
}

function toIssue(error: ErrorObject): StandardSchemaV1.Issue {
  const path = stepsOf(error.instancePath);
  if (error.keyword === "required") {
    return { path: [...path, String(error.params.missingProperty)], message: "is missing" };
  }
  return { path, message: textOf(error) };
}

function textOf({ keyword, params, message = "does not fit" }: ErrorObject): string {
  if (keyword === "additionalProperties")
    return `has a field "${params.additionalProperty}" that the schema does not allow`;
  if (keyword === "enum")
    return `must be one of ${(params.allowedValues as unknown[]).map((value) => JSON.stringify(value)).join(", ")}`;
  if (keyword === "const") return `must be ${JSON.stringify(params.allowedValue)}`;
  if (keyword === "type") return `must be ${[params.type].flat().join(" or ")}`;
  return message;
}

// A wrong `type` fails as an enum and as an array: the first one says it.
function sharpest(errors: readonly ErrorObject[]): readonly ErrorObject[] {
  const byPath = new Map<string, ErrorObject>();
  for (const error of errors) {
    const before = byPath.get(error.instancePath);
    if (before === undefined || (before.keyword !== "enum" && error.keyword === "enum"))
      byPath.set(error.instancePath, error);
  }
  const deepest = Math.max(...[...byPath.keys()].map((path) => path.split("/").length));
  return [...byPath.values()].filter(
    ({ instancePath }) => instancePath.split("/").length === deepest,
  );
}

function suggestionFor({ keyword, params, data }: ErrorObject): string | undefined {
  if (keyword !== "enum") return undefined;
  return nearest(String(data), (params.allowedValues as unknown[]).map(String));
}

function stepsOf(pointer: string): readonly PropertyKey[] {
  return pointer
    .split("/")
    .slice(1)
    .map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"))
    .map((step) => (/^\d+$/.test(step) ? Number(step) : step));
}

function pathOfKey(value: unknown, key: string): readonly PropertyKey[] | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  if (Object.hasOwn(value, key)) return [key];
  for (const [step, inner] of Object.entries(value)) {
    const rest = pathOfKey(inner, key);
    if (rest !== undefined) return [Array.isArray(value) ? Number(step) : step, ...rest];
  }
  return undefined;
}
