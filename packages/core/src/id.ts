import { randomFillSync } from "node:crypto";

const hex: readonly string[] = Array.from({ length: 256 }, (_, byte) =>
  byte.toString(16).padStart(2, "0"),
);
const pool = Buffer.allocUnsafe(8192);
let poolAt = pool.length;
let lastMs = -1;
let counter = 0;
let prefix = "";
let suffix = "";

/**
 * A UUID version 7 (RFC 9562 section 5.7): 48 bits of milliseconds, a 12-bit counter that keeps ids of
 * one process in order within a millisecond, and 62 random bits, the same within it (section 6.2).
 */
export function createId(now: number): string {
  if (now > lastMs) moveTo(now);
  else if (counter === 0xfff) moveTo(lastMs + 1);
  else counter += 1;
  return prefix + hex[0x70 | (counter >> 8)] + hex[counter & 0xff] + suffix;
}

function moveTo(ms: number): void {
  lastMs = ms;
  counter = 0;
  const text = ms.toString(16).padStart(12, "0");
  prefix = `${text.slice(0, 8)}-${text.slice(8)}-`;
  if (poolAt === pool.length) {
    randomFillSync(pool);
    poolAt = 0;
  }
  pool[poolAt] = ((pool[poolAt] as number) & 0x3f) | 0x80;
  const random = pool.toString("hex", poolAt, poolAt + 8);
  suffix = `-${random.slice(0, 4)}-${random.slice(4)}`;
  poolAt += 8;
}
