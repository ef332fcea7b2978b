import { HookError } from "./errors.ts";
import type { PipehooksEvent } from "./event.ts";
import type { JsonValue } from "./json.ts";

/** What a template reads: an event, or an object of values. */
export type TemplateScope = PipehooksEvent | { readonly [key: string]: JsonValue | undefined };

/** A value with `${path}` references in its strings, compiled once. */
export interface Template {
  readonly references: readonly TemplateReference[];
  /** @throws HookError TEMPLATE_FIELD_MISSING, naming the field */
  render(scope: TemplateScope): JsonValue;
}

export interface TemplateReference {
  /** As written, such as `metadata.rows`. */
  readonly path: string;
  /** Used where the field is missing, as it is written; without it a missing field is a permanent failure. */
  readonly default?: string | undefined;
}

export type Render = (scope: TemplateScope) => JsonValue;

const literalPattern = /^(?:null|true|false|-?(?:0|[1-9]\d*)(?:\.\d+)?)$/;
const pathPattern = /^[A-Za-z_][\w-]*(?:\.[\w-]+)*$/;

/**
 * Compiles `${path}` and `${path:-default}`; `$${` is a literal `${`. A string that is nothing but one
 * reference keeps the value's type, and its default is read as JSON where it is a JSON literal (`null`, `0`,
 * `true`) that can be written back as it is.
 * @throws HookError TEMPLATE_INVALID
 */
export function compileTemplate(value: JsonValue): Template {
  const references: TemplateReference[] = [];
  const render = compileLeaves(value, (text) => compileLeaf(text, references));
  return { references, render };
}

/** The value at a dotted path, or undefined where a step is missing. */
export function readPath(scope: unknown, path: string): unknown {
  let value = scope;
  for (const step of path.split(".")) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, step))
      return undefined;
    value = (value as Record<string, unknown>)[step];
  }
  return value;
}

/** A value whose texts are compiled by a function, each by itself. */
export function compileLeaves(value: JsonValue, compile: (text: string) => Render): Render {
  if (typeof value === "string") return compile(value);
  if (typeof value !== "object" || value === null) return () => value;
  if (Array.isArray(value)) {
    const items = value.map((item) => compileLeaves(item, compile));
    return (scope) => items.map((render) => render(scope));
  }
  const entries = Object.entries(value).map(
    ([key, item]) => [key, compileLeaves(item, compile)] as const,
  );
  return (scope) => Object.fromEntries(entries.map(([key, render]) => [key, render(scope)]));
}

function compileLeaf(text: string, references: TemplateReference[]): Render {
  const parts = parseParts(text);
  for (const part of parts) if (typeof part !== "string") references.push(part);
  const [only] = parts;
  if (parts.length === 0) return () => "";
  if (parts.length === 1 && only !== undefined) {
    if (typeof only === "string") return () => only;
    return (scope) => typedFieldOf(only, scope, text);
  }
  return (scope) =>
    parts
      .map((part) => (typeof part === "string" ? part : textOf(fieldOf(part, scope, text))))
      .join("");
}

/**
 * What a reference stands for where it stands alone.
 * @throws HookError TEMPLATE_FIELD_MISSING
 */
export function typedFieldOf(
  reference: TemplateReference,
  scope: TemplateScope,
  text: string,
): JsonValue {
  const { default: written } = reference;
  if (written === undefined || isGiven(reference, scope)) return fieldOf(reference, scope, text);
  return literalPattern.test(written) && String(JSON.parse(written)) === written
    ? JSON.parse(written)
    : written;
}

/** Whether the value is the scope's, not the template's own default. */
export function isGiven({ path }: TemplateReference, scope: TemplateScope): boolean {
  return readPath(scope, path) !== undefined;
}

/** What stands as it is, and references, in their order. */
export function parseParts(text: string): (string | TemplateReference)[] {
  const parts: (string | TemplateReference)[] = [];
  let literal = "";
  let at = 0;
  while (at < text.length) {
    if (text.startsWith("$${", at)) {
      literal += "${";
      at += 3;
    } else if (text.startsWith("${", at)) {
      const end = text.indexOf("}", at);
      if (end < 0) throw invalid(text, "a `${` is not closed by `}`");
      if (literal !== "") parts.push(literal);
      literal = "";
      parts.push(parseReference(text.slice(at + 2, end), text));
      at = end + 1;
    } else {
      literal += text[at];
      at += 1;
    }
  }
  if (literal !== "") parts.push(literal);
  return parts;
}

function parseReference(inner: string, text: string): TemplateReference {
  const cut = inner.indexOf(":-");
  const path = (cut < 0 ? inner : inner.slice(0, cut)).trim();
  if (!pathPattern.test(path)) {
    throw invalid(text, `"${path}" is not a path. Write field names joined by dots`);
  }
  if (cut < 0) return { path };
  const written = inner.slice(cut + 2);
  // The reference ends at the first `}`: what follows would stand in the text beside every value.
  if (written.includes("{")) {
    throw invalid(text, `the default of "${path}" has a \`{\`, and a default cannot hold one`);
  }
  return { path, default: written };
}

/**
 * What a reference stands for within a text.
 * @throws HookError TEMPLATE_FIELD_MISSING
 */
export function fieldOf(
  reference: TemplateReference,
  scope: TemplateScope,
  text: string,
): JsonValue {
  const value = readPath(scope, reference.path) as JsonValue | undefined;
  if (value !== undefined) return value;
  if (reference.default !== undefined)
    return reference.default === "null" ? null : reference.default;
  throw new HookError(
    "TEMPLATE_FIELD_MISSING",
    `The event has no field "${reference.path}", which the template "${text}" reads. ` +
      `Emit it, or write a default: \${${reference.path}:-…}.`,
  );
}

/** A value as it stands in a text. */
export function textOf(value: JsonValue): string {
  if (value === null) return "";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function invalid(text: string, why: string): HookError {
  return new HookError(
    "TEMPLATE_INVALID",
    `Template "${text}": ${why}; a literal \${ is written $\${.`,
  );
}
