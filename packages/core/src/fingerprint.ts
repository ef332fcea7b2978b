import { hash } from "node:crypto";

/**
 * What stands for a secret where it must not be seen: 8 hexadecimal digits, equal for equal secrets of one realm. With it in
 * their destination, hooks of one account share budget, pause and breaker. The realm keeps apart what several plugins make
 * of one text; stores keep destinations, so it stays what it once was.
 */
export function fingerprint(realm: string, secret: string): string {
  return hash("sha256", `pipehooks ${realm} ${secret}`, "hex").slice(0, 8);
}
