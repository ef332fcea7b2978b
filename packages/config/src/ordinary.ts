import { isSecretName } from "./secret-name.ts";
import type { PathStep } from "./tree.ts";

const longest = 32;
const words = /^\p{L}+\d*(?:[-_./ ](?:\p{L}+\d*|\d+))*$/u;
const number = /^\d{1,12}$/;

/**
 * Whether a value from outside that stands in a template is no secret: a word such as `prod` or `eu-west-1`, or a
 * number, would hide ordinary text everywhere. Under a key that names a secret it is one all the same.
 */
export function isOrdinary(value: string, steps: readonly PathStep[]): boolean {
  if (steps.some((step) => typeof step === "string" && isSecretName(step))) return false;
  return value.length <= longest && (words.test(value) || number.test(value));
}
