import type { HookKind } from "@pipehooks/core";
import { toSnake } from "./casing.ts";
import { fileJsonSchema, hookJsonSchema } from "./schema.ts";
import { type JsonSchema, jsonSchemaOf } from "./shape.ts";

/**
 * JSON Schema (draft 2020-12) of `pipehooks.yaml`, with the options of the given kinds; for editors and for
 * `pipehooks schema`.
 */
export function toJsonSchema(kinds: ReadonlyMap<string, HookKind> = new Map()): JsonSchema {
  const file = asWritten(fileJsonSchema());
  const hook = asWritten(hookJsonSchema());
  const names = [...kinds.keys()];
  const branches = [...kinds.values()].map((kind) => ({
    if: { properties: { kind: { const: kind.name } }, required: ["kind"] },
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
    then: { properties: { options: optionSchema(kind) }, ...requireOptions(kind) },
  }));
  const { $schema: _schema, $defs: _defs, ...hookBody } = hook;
  return {
    ...file,
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "Pipehooks configuration",
    properties: {
      ...file.properties,
      plugins: { anyOf: [file.properties?.plugins ?? {}, plumberPlugins] },
      hooks: {
        description: "The hooks",
        anyOf: [{ type: "array", items: { $ref: "#/$defs/hook" } }, { type: "null" }],
      },
    },
    patternProperties: { "^x-": {} },
    $defs: {
      ...file.$defs,
      hook: {
        ...hookBody,
        properties: {
          ...hook.properties,
          ...(names.length > 0 && {
            kind: { ...(hook.properties?.kind as JsonSchema), enum: names },
          }),
        },
        ...(branches.length > 0 && { allOf: branches }),
      },
    },
  };
}

/** What its blocks hold is told when the file is loaded. */
const plumberPlugins: JsonSchema = {
  description: "The lakehouse-plumber form",
  type: "object",
  properties: {
    enabled: { type: ["boolean", "string", "null"] },
    config: {
      type: ["object", "null"],
      properties: { event_hooks: { type: ["object", "null"] } },
      additionalProperties: false,
    },
  },
  additionalProperties: false,
};

function optionSchema(kind: HookKind): JsonSchema {
  const schema = jsonSchemaOf(kind.options);
  if (schema === undefined) return { type: ["object", "null"] };
  // An `$id` of its own keeps the references inside pointing inside.
  const { $schema: _schema, ...body } = asWritten(schema);
  const options = isRequired(schema) ? body : orNothing(body);
  return { $id: `urn:pipehooks:schema:${kind.name}`, ...(options as JsonSchema) };
}

function requireOptions(kind: HookKind): { required?: readonly string[] } {
  return isRequired(jsonSchemaOf(kind.options)) ? { required: ["options"] } : {};
}

function isRequired(options: JsonSchema | undefined): boolean {
  return (options?.required ?? []).length > 0;
}

/** As it is in YAML, where more may be written than what a validator is given. */
function asWritten(schema: JsonSchema): JsonSchema {
  return withEmptyKeys(withReferences(toSnakeSchema(withKnownFormats(schema))));
}

/** Keys as they are written in YAML. */
function toSnakeSchema(schema: JsonSchema): JsonSchema {
  return mapSchema(schema, (node) => {
    const { properties, required } = node;
    if (properties === undefined) return node;
    return {
      ...node,
      properties: Object.fromEntries(
        Object.entries(properties).map(([name, inner]) => [toSnake(name), inner]),
      ),
      ...(required !== undefined && { required: required.map(toSnake) }),
    };
  });
}

/** A number or a boolean may also come from outside, as text that is one reference. */
function withReferences(schema: JsonSchema): JsonSchema {
  return mapSchema(schema, (node) => {
    const types = [node.type ?? []].flat();
    const isCoerced = types.some((type) =>
      ["integer", "number", "boolean"].includes(type as string),
    );
    const isText = types.includes("string");
    const isPattern =
      node.pattern !== undefined ||
      node.enum !== undefined ||
      node.format !== undefined ||
      node.minLength !== undefined;
    if (!isCoerced && !(isText && isPattern)) return node;
    const { description, default: fallback, ...rest } = node;
    return {
      ...(description !== undefined && { description }),
      ...(fallback !== undefined && { default: fallback }),
      anyOf: [rest, { type: "string", pattern: "\\$\\{(env|file):" }],
    };
  });
}

/** A key with nothing behind it says nothing, where it may be left out. */
function withEmptyKeys(schema: JsonSchema): JsonSchema {
  return mapSchema(schema, (node) => {
    const { properties, required = [] } = node;
    if (properties === undefined) return node;
    const each = Object.entries(properties).map(([name, inner]) => [
      name,
      required.includes(name) ? inner : orNothing(inner),
    ]);
    return { ...node, properties: Object.fromEntries(each) };
  });
}

function orNothing(schema: JsonSchema | boolean): JsonSchema | boolean {
  if (typeof schema === "boolean") return schema;
  const { type, anyOf, const: only, enum: values } = schema;
  if (type !== undefined && only === undefined) {
    const types = [...new Set([type, "null"].flat())];
    return { ...schema, type: types, ...(values && { enum: [...new Set([...values, null])] }) };
  }
  if (anyOf !== undefined) return { ...schema, anyOf: [...anyOf, { type: "null" }] };
  const { description, default: fallback, ...rest } = schema;
  if (Object.keys(rest).length === 0) return schema;
  return {
    ...(description !== undefined && { description }),
    ...(fallback !== undefined && { default: fallback }),
    anyOf: [rest, { type: "null" }],
  };
}

// https://json-schema.org/draft/2020-12/json-schema-validation#section-7.3
const formats = new Set([
  ..."date-time date time duration email idn-email hostname idn-hostname ipv4 ipv6".split(" "),
  ..."uri uri-reference iri iri-reference uuid uri-template json-pointer".split(" "),
  ..."relative-json-pointer regex".split(" "),
]);

/** Validators have names of their own beside those of JSON Schema, which strict tools refuse. */
function withKnownFormats(schema: JsonSchema): JsonSchema {
  return mapSchema(schema, (node) => {
    const { format, ...rest } = node;
    return format === undefined || formats.has(String(format)) ? node : rest;
  });
}

function mapSchema(schema: JsonSchema, change: (node: JsonSchema) => JsonSchema): JsonSchema {
  const inside = (value: JsonSchema | boolean): JsonSchema | boolean =>
    typeof value === "boolean" ? value : mapSchema(value, change);
  const each = (values: Readonly<Record<string, JsonSchema | boolean>>) =>
    Object.fromEntries(Object.entries(values).map(([key, value]) => [key, inside(value)]));
  const {
    properties,
    patternProperties,
    $defs,
    additionalProperties,
    items,
    prefixItems,
    anyOf,
    oneOf,
    allOf,
  } = schema;
  return change({
    ...schema,
    ...(properties && { properties: each(properties) }),
    ...(patternProperties && { patternProperties: each(patternProperties) }),
    ...($defs && { $defs: each($defs) }),
    ...(additionalProperties !== undefined && {
      additionalProperties: inside(additionalProperties),
    }),
    ...(items !== undefined && { items: inside(items) }),
    ...(prefixItems && { prefixItems: prefixItems.map(inside) }),
    ...(anyOf && { anyOf: anyOf.map(inside) }),
    ...(oneOf && { oneOf: oneOf.map(inside) }),
    ...(allOf && { allOf: allOf.map(inside) }),
  });
}
