import type { StandardSchemaV1 } from "@standard-schema/spec";
import { toSnake } from "./casing.ts";

/** JSON Schema (draft 2020-12) as far as it is read here. */
export interface JsonSchema {
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, JsonSchema | boolean>>;
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, JsonSchema | boolean>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: JsonSchema | boolean;
  readonly patternProperties?: Readonly<Record<string, JsonSchema | boolean>>;
  readonly items?: JsonSchema | boolean;
  readonly prefixItems?: readonly (JsonSchema | boolean)[];
  readonly anyOf?: readonly (JsonSchema | boolean)[];
  readonly oneOf?: readonly (JsonSchema | boolean)[];
  readonly allOf?: readonly (JsonSchema | boolean)[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly pattern?: string;
  readonly [keyword: string]: unknown;
}

/** What a value may look like: it tells our keys (converted, checked) from user data (left alone). */
export interface Shape {
  /** Keys that are known, in snake_case. */
  readonly keys: readonly string[];
  /** Whether other keys are refused. */
  readonly closed: boolean;
  /** The property that a key of the file stands for. */
  property(key: string): { readonly name: string; readonly shape: Shape } | undefined;
  /** The shape of values under keys that are not known. */
  readonly other: Shape;
  readonly item: (index: number) => Shape;
  /** Whether a value of this JSON type fits; a shape without types takes any. */
  admits(type: "string" | "number" | "integer" | "boolean" | "null" | "array" | "object"): boolean;
  /** Regular expressions of its texts. */
  readonly patterns: readonly string[];
  /** What its author says of it. */
  readonly description: string | undefined;
}

/** The shape of data that is anybody's. */
export const anyShape: Shape = {
  keys: [],
  closed: false,
  property: () => undefined,
  get other() {
    return anyShape;
  },
  item: () => anyShape,
  admits: () => true,
  patterns: [],
  description: undefined,
};

const shapes = new WeakMap<object, Shape>();

/** The shape of what a validator takes; anything where it gives no JSON Schema. */
export function shapeOf(schema: StandardSchemaV1): Shape {
  const known = shapes.get(schema);
  if (known !== undefined) return known;
  const fields = fieldsOf(schema);
  const shape =
    fields === undefined ? toShape(jsonSchemaOf(schema)) : toObjectShape(fields, schema);
  shapes.set(schema, shape);
  return shape;
}

interface ObjectFields {
  readonly shape: Readonly<Record<string, StandardSchemaV1>>;
  readonly closed: boolean;
}

/** An object of zod that is strict or takes any other key; undefined for everything else. */
function fieldsOf(schema: StandardSchemaV1): ObjectFields | undefined {
  const part = (value: unknown, key: string): unknown => Reflect.get(Object(value), key);
  const definition = part(part(schema, "_zod"), "def");
  const shape = part(definition, "shape");
  if (part(definition, "type") !== "object" || typeof shape !== "object" || shape === null) {
    return undefined;
  }
  const others = part(definition, "catchall");
  const closed = part(part(part(others, "_zod"), "def"), "type") === "never";
  if (others !== undefined && !closed) return undefined;
  return { shape: shape as ObjectFields["shape"], closed };
}

// A file uses few of the keys: converting those that are met takes a fraction of converting all.
function toObjectShape({ shape, closed }: ObjectFields, schema: StandardSchemaV1): Shape {
  const names = new Map(Object.keys(shape).map((name) => [toSnake(name), name]));
  return {
    ...anyShape,
    keys: [...names.keys()],
    closed,
    property(key) {
      const name = names.get(key);
      const field = name === undefined ? undefined : shape[name];
      return name === undefined || field === undefined
        ? undefined
        : { name, shape: shapeOf(field) };
    },
    admits: (type) => type === "object",
    description: textOf(Reflect.get(schema, "description")),
  };
}

export function toShape(
  schema: JsonSchema | boolean | undefined,
  root: JsonSchema | boolean = schema ?? true,
): Shape {
  const description = textOf(Reflect.get(Object(schema), "description"));
  const branches = branchesOf(schema ?? true, root, 0);
  if (branches === undefined) {
    return description === undefined ? anyShape : { ...anyShape, description };
  }
  const objects = branches.filter((branch) => branch.properties !== undefined);
  const names = new Map<string, string>();
  for (const branch of objects) {
    for (const name of Object.keys(branch.properties ?? {})) names.set(toSnake(name), name);
  }
  const below = (pick: (branch: JsonSchema) => JsonSchema | boolean | undefined): Shape => {
    const schemas = branches.map(pick).filter((found) => found !== undefined && found !== false);
    if (schemas.length === 0) return anyShape;
    return toShape(schemas.length === 1 ? schemas[0] : { anyOf: schemas as JsonSchema[] }, root);
  };
  const open = branches.some(
    (branch) =>
      mayBe(branch, "object") &&
      (branch.additionalProperties !== false || branch.patternProperties !== undefined),
  );
  return {
    keys: [...names.keys()],
    closed: !open,
    property(key) {
      const name = names.get(key);
      if (name === undefined) return undefined;
      return { name, shape: below((branch) => branch.properties?.[name]) };
    },
    get other() {
      return below((branch) => branch.additionalProperties);
    },
    item: (index) => below((branch) => branch.prefixItems?.[index] ?? branch.items),
    admits: (type) => branches.some((branch) => mayBe(branch, type)),
    patterns: branches.flatMap(({ pattern }) => (pattern === undefined ? [] : [pattern])),
    description,
  };
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

const deepestNesting = 20;

/** The schema with references followed and unions taken apart; undefined when anything fits. */
function branchesOf(
  schema: JsonSchema | boolean,
  root: JsonSchema | boolean,
  depth: number,
): readonly JsonSchema[] | undefined {
  if (typeof schema === "boolean") return schema ? undefined : [];
  if (depth > deepestNesting) return undefined;
  if (schema.$ref !== undefined) {
    const target = follow(schema.$ref, root);
    return target === undefined ? undefined : branchesOf(target, root, depth + 1);
  }
  const unions = [schema.anyOf, schema.oneOf, schema.allOf].filter((union) => union !== undefined);
  if (unions.length > 0) {
    const own = schema.properties === undefined ? [] : [schema];
    const inner = unions.flat().map((branch) => branchesOf(branch, root, depth + 1));
    if (inner.includes(undefined)) return undefined;
    return [...own, ...inner.flatMap((branches) => branches ?? [])];
  }
  return [schema];
}

function follow(reference: string, root: JsonSchema | boolean): JsonSchema | boolean | undefined {
  if (reference === "#") return root;
  if (!reference.startsWith("#/")) return undefined;
  let target: unknown = root;
  for (const step of reference.slice(2).split("/")) {
    target = Reflect.get(Object(target), step.replaceAll("~1", "/").replaceAll("~0", "~"));
  }
  return target as JsonSchema | boolean | undefined;
}

function mayBe(schema: JsonSchema, type: string): boolean {
  if (schema.const !== undefined) return typeName(schema.const) === type;
  if (schema.enum !== undefined) return schema.enum.some((value) => typeName(value) === type);
  if (schema.type === undefined) return true;
  const types = typeof schema.type === "string" ? [schema.type] : schema.type;
  return types.includes(type) || (type === "number" && types.includes("integer"));
}

function typeName(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "array" : typeof value;
}

/** The JSON Schema that a Standard Schema validator can give (zod 4 and others); undefined when it cannot. */
export function jsonSchemaOf(schema: unknown): JsonSchema | undefined {
  const standard: unknown = Reflect.get(Object(schema), "~standard");
  const converter: unknown = Reflect.get(Object(standard), "jsonSchema");
  const input: unknown = Reflect.get(Object(converter), "input");
  if (typeof input !== "function") return undefined;
  try {
    const options = { target: "draft-2020-12", libraryOptions: { unrepresentable: "any" } };
    return input.call(converter, options) as JsonSchema;
  } catch {
    return undefined;
  }
}
