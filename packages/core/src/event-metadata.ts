import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { JsonObject, JsonValue } from "./json.ts";

/**
 * What an event can carry of a type: the type itself, with `never` where the event would be refused (`bigint`, functions,
 * what has methods). A `Date` becomes text, what is `undefined` is left out; `unknown` is judged at run time.
 */
export type Carried<Given> = Given extends JsonValue | undefined | Date
  ? Given
  : Given extends bigint | symbol | ((...given: never) => unknown)
    ? never
    : Given extends readonly unknown[]
      ? { [Index in keyof Given]: Carried<Exclude<Given[Index], undefined>> }
      : Given extends object
        ? { [Key in keyof Given]: Key extends symbol ? Given[Key] : Carried<Given[Key]> }
        : Given;

/** The same for metadata as a whole, which is a plain object; keys that have a type of their own are as that says. */
export type CarriedMetadata<Given, Named = Record<never, never>> = Given extends
  | Date
  | readonly unknown[]
  ? never
  : {
      [Key in keyof Given]: Key extends keyof Named
        ? Named[Key]
        : Key extends symbol
          ? Given[Key]
          : Carried<Given[Key]>;
    };

/** Metadata of which nothing is known but that it is an object; also as an `interface`, which has no index signature. */
export type OpenMetadata = Readonly<Record<string, unknown>>;

/** What an event has after it carried a type: a `Date` is text, and what was `unknown` is JSON. */
type Kept<Given> = Given extends Date
  ? string
  : Given extends string | number | boolean | null | undefined
    ? Given
    : Given extends object
      ? { readonly [Key in keyof Given]: Kept<Given[Key]> }
      : JsonValue | undefined;

/** Metadata of an event whose type has this schema. */
export type KeptMetadata<Schema> =
  Schema extends StandardSchemaV1<unknown, infer Output>
    ? unknown extends Output
      ? JsonObject
      : JsonObject & Kept<IsOpen<Output> extends true ? NamedKeys<Output> : Output>
    : JsonObject;

/** Whether it takes any key, as those of `z.looseObject` do. */
export type IsOpen<Metadata> = string extends keyof Metadata
  ? unknown extends Metadata[string & keyof Metadata]
    ? true
    : false
  : false;

/** Without its index signature. */
export type NamedKeys<Metadata> = {
  [Key in keyof Metadata as string extends Key ? never : Key]: Metadata[Key];
};
