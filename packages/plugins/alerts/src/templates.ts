import {
  compileEscaped,
  compileTemplate,
  compileText,
  type Delivery,
  type Escape,
  type JsonObject,
  type JsonValue,
  toTemplateScope,
} from "@pipehooks/core";

/** A text or JSON of the user's own, filled in from the events of a delivery. */
export type Render<Value extends JsonValue> = (delivery: Delivery) => Value;

/** A template of one text. Values are escaped, what the user wrote is not. */
export function textTemplate(text: string, toForm?: Escape): Render<string> {
  const template = compileText(text, { toForm });
  return (delivery) => template.render(toTemplateScope(delivery));
}

/** A template of JSON. Values are escaped in texts of which `isText` says so. */
export function jsonTemplate<Value extends JsonValue>(
  value: Value,
  toForm?: Escape,
  isText: IsText = () => true,
): Render<Value> {
  const template = compileTemplate(value);
  const escaped = toForm && compileEscaped(value, toForm);
  return (delivery) => {
    const scope = toTemplateScope(delivery);
    const raw = template.render(scope);
    // References change what texts hold, not the outer shape that the options' schema has checked.
    if (escaped === undefined) return raw as Value;
    return pick(raw, escaped.render(scope), isText) as Value;
  };
}

/** Whether the text under a key of an object is shown to people, with the receiver's markup. */
export type IsText = (key: string, parent: JsonObject) => boolean;

/** Of two values of one shape: texts from the second where they are shown, else from the first. */
function pick(raw: JsonValue, escaped: JsonValue, isText: IsText): JsonValue {
  if (Array.isArray(raw) && Array.isArray(escaped)) {
    return raw.map((item, index) => pick(item, escaped[index] ?? null, isText));
  }
  if (!isObject(raw) || !isObject(escaped)) return raw;
  const parent = raw;
  return Object.fromEntries(
    Object.entries(raw).map(([key, value]) => {
      const other = escaped[key] ?? null;
      if (typeof value === "string" && typeof other === "string") {
        return [key, isText(key, parent) ? other : value];
      }
      return [key, pick(value, other, isText)];
    }),
  );
}

export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
