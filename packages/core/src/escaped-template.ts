import type { JsonValue } from "./json.ts";
import {
  compileLeaves,
  fieldOf,
  isGiven,
  parseParts,
  type Render,
  type TemplateReference,
  type TemplateScope,
  textOf,
  typedFieldOf,
} from "./template.ts";

/** Turns a text into a form in which its receiver reads it as data, and nothing in it as markup. */
export type Escape = (text: string) => string;

/** A template of one text. */
export interface TextTemplate {
  readonly references: readonly TemplateReference[];
  /** @throws HookError TEMPLATE_FIELD_MISSING, naming the field */
  render(scope: TemplateScope): string;
}

/**
 * Compiles a template of one text: whatever a reference stands for becomes text, objects become JSON, `null` nothing. Values
 * pass through `toForm`, whole; what the template's author wrote does not, defaults included, nor do values at the paths in `raw`.
 * @throws HookError TEMPLATE_INVALID
 */
export function compileText(
  text: string,
  {
    toForm = (value) => value,
    raw = [],
  }: { readonly toForm?: Escape | undefined; readonly raw?: readonly string[] | undefined } = {},
): TextTemplate {
  const parts = parseParts(text);
  const readers = parts.map((part) => {
    if (typeof part === "string") return () => part;
    return (scope: TemplateScope) => {
      const value = textOf(fieldOf(part, scope, text));
      return isGiven(part, scope) && !raw.includes(part.path) ? toForm(value) : value;
    };
  });
  return {
    references: parts.filter((part) => typeof part !== "string"),
    render: (scope) => readers.map((read) => read(scope)).join(""),
  };
}

/**
 * The same for JSON: a text that is nothing but one reference keeps the value's type, and the texts in that value are escaped.
 * @throws HookError TEMPLATE_INVALID
 */
export function compileEscaped(
  value: JsonValue,
  toForm: Escape,
): { render(scope: TemplateScope): JsonValue } {
  const compileLeaf = (text: string): Render => {
    const [only, ...more] = parseParts(text);
    if (only === undefined || typeof only === "string" || more.length > 0) {
      return compileText(text, { toForm }).render;
    }
    return (scope) => {
      const value = typedFieldOf(only, scope, text);
      return isGiven(only, scope) ? escapeTexts(value, toForm) : value;
    };
  };
  return { render: compileLeaves(value, compileLeaf) };
}

function escapeTexts(value: JsonValue, toForm: Escape): JsonValue {
  if (typeof value === "string") return toForm(value);
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => escapeTexts(item, toForm));
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, escapeTexts(item, toForm)]),
  );
}
