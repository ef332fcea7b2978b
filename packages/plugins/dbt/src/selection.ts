import {
  compileTemplate,
  HookError,
  type JsonValue,
  readPath,
  type Template,
  type TemplateScope,
} from "@pipehooks/core";

// Letters of selection methods, graph operators, set operators and globs; nothing that ends a word, opens a quote or
// begins an option (https://docs.getdbt.com/reference/node-selection/syntax).
const selectorPattern = /^[A-Za-z0-9_@+*.][\w@+*.:,/?[\]=-]*$/;
/** What a value may be inside a selector: no operator, so that it stays the name that the template makes of it. */
const namePattern = /^[\w./][\w./-]*$/;
/** What a value may be inside another argument. */
const argumentPattern = /^[\w./@:+][\w./@:+=-]*$/;
const plainPattern = /^[\w@+.:,/=-]+$/;
const mostSelectors = 500;
/** Stands for the union of selectors among the words of a step. */
export const selectionMark = "{selection}";

/** Whether it selects nodes and can do nothing else on dbt's command line. */
export function isSelector(text: string): boolean {
  return selectorPattern.test(text) && text.length <= 500;
}

/** Selectors as templates over one event. */
export interface SelectorTemplate {
  /** Whether they may differ between events. */
  readonly varies: boolean;
  /** @throws HookError REQUEST_INVALID where the event would make anything else of it than a selector */
  render(scope: TemplateScope, event: string): readonly string[];
}

/** @throws HookError TEMPLATE_INVALID */
export function compileSelectors(texts: readonly string[]): SelectorTemplate {
  const templates = texts.map((text) => ({ text, template: compileTemplate(text) }));
  return {
    varies: templates.some(({ template }) => template.references.length > 0),
    render: (scope, event) =>
      templates.flatMap(({ text, template }) => {
        const isWhole = /^\$\{[^}]*\}$/.test(text);
        if (!isWhole) checkValues(template, scope, { text, event, pattern: namePattern });
        const value = template.render(scope);
        // A reference that stands alone may be a list of selectors.
        return (isWhole && Array.isArray(value) ? value : [value]).map((selector: JsonValue) =>
          checked(selector, event),
        );
      }),
  };
}

/** Selectors without those that are there already. */
export function unite(selections: readonly (readonly string[])[]): readonly string[] {
  const union = [...new Set(selections.flat())];
  if (union.length > mostSelectors) {
    throw refuse(
      `${union.length} selectors came together, and the most is ${mostSelectors}. Select more at once`,
    );
  }
  return union;
}

/** Selectors as words of a command. */
export function quoteSelection(selectors: readonly string[]): string {
  return selectors
    .map((selector) => (plainPattern.test(selector) ? selector : `"${selector}"`))
    .join(" ");
}

/**
 * Fills in a step or another argument so that no value of an event can add a word to it.
 * @throws HookError REQUEST_INVALID, TEMPLATE_FIELD_MISSING
 */
export function renderArgument(
  { text, template }: { readonly text: string; readonly template: Template },
  scope: TemplateScope,
  event: string,
): string {
  checkValues(template, scope, { text, event, pattern: argumentPattern });
  return String(template.render(scope));
}

function checkValues(
  template: Template,
  scope: TemplateScope,
  { text, event, pattern }: { text: string; event: string; pattern: RegExp },
): void {
  for (const { path, default: fallback } of template.references) {
    const found = readPath(scope, path);
    const value = found === undefined ? fallback : found;
    // What is missing is told when the template is filled in.
    if (value === undefined || pattern.test(plainText(value))) continue;
    throw refuse(
      `the value ${shown(value)} of "${path}" in event ${event} does not fit into "${text}": it could change the command. ` +
        "Emit a plain name",
    );
  }
}

function checked(value: unknown, event: string): string {
  if (typeof value === "string" && isSelector(value)) return value;
  throw refuse(
    `${shown(value)}, made of event ${event}, is no selector of dbt, and could change the command. ` +
      "Emit letters, digits and the operators of dbt's selection syntax, without spaces and without a dash in front",
  );
}

/** Anything but a text or a number fits nowhere. */
function plainText(value: unknown): string {
  return typeof value === "string" || typeof value === "number" ? String(value) : "\0";
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}

function refuse(why: string): HookError {
  return new HookError("REQUEST_INVALID", `dbt: ${why}.`);
}
