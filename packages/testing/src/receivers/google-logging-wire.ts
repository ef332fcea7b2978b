/** A LogEntry as it is kept, its payload as JSON. */
export interface GoogleLogEntry {
  readonly logName: string;
  readonly insertId: string;
  /** RFC 3339 with nine digits of a second. */
  readonly timestamp: string;
  readonly severity: string;
  readonly resource: { readonly type: string; readonly labels: Readonly<Record<string, string>> };
  readonly labels: Readonly<Record<string, string>>;
  readonly trace: string;
  readonly spanId: string;
  readonly traceSampled: boolean;
  readonly textPayload?: string;
  readonly jsonPayload?: unknown;
}

/** Bytes of each of a repeated field's messages, read off the wire. */
export function lengthsOf(bytes: Uint8Array, wanted: number): number[] {
  const lengths: number[] = [];
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = bytes[at] ?? 0;
      at += 1;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    const type = tag & 7;
    if (type === 0) varint();
    else if (type === 1) at += 8;
    else if (type === 5) at += 4;
    else if (type === 2) {
      const length = varint();
      if (tag >>> 3 === wanted) lengths.push(length);
      at += length;
    } else throw new Error(`wire type ${type} is unknown`);
  }
  return lengths;
}

/** A google.protobuf.Struct as decoded, as JSON. */
export function structToJson(struct: unknown): Record<string, unknown> {
  const fields: unknown = Reflect.get(Object(struct), "fields");
  return Object.fromEntries(
    Object.entries(Object(fields)).map(([key, value]) => [key, valueToJson(value)]),
  );
}

function valueToJson(value: unknown): unknown {
  const part = (name: string): unknown => Reflect.get(Object(value), name);
  switch (part("kind")) {
    case "stringValue":
    case "numberValue":
    case "boolValue":
      return part(String(part("kind")));
    case "structValue":
      return structToJson(part("structValue"));
    case "listValue": {
      const values: unknown = Reflect.get(Object(part("listValue")), "values");
      return Array.isArray(values) ? values.map(valueToJson) : [];
    }
    case "nullValue":
      return null;
    default:
      // A Value without a kind is an error of whoever sent it.
      return Symbol.for("no kind");
  }
}
