import { nearest } from "./nearest.ts";

interface Issue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
  /** Of a zod issue: keys that an object has and should not. */
  readonly keys?: readonly string[] | undefined;
}

/**
 * Issues of a Standard Schema validator as one text.
 * @param known keys of the whole value, one of which may be meant where an issue names another
 */
export function issuesText(issues: readonly Issue[], known: readonly string[] = []): string {
  return issues
    .map((issue) => {
      const { message, path = [], keys = [] } = issue;
      const at = path.map((step) => String(typeof step === "object" ? step.key : step));
      if (at.length > 0) return `${at.join(".")}: ${message}`;
      const meant = keys.flatMap((key) => nearest(key, known) ?? []);
      return meant.length === 0 ? message : `${message}. Did you mean "${meant.join('", "')}"?`;
    })
    .join("; ");
}
