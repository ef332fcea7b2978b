import { randomFillSync } from "node:crypto";

const hex: readonly string[] = Array.from({ length: 256 }, (_, byte) =>
  byte.toString(16).padStart(2, "0"),
);
const pool = Buffer.allocUnsafe(8192);
let poolAt = pool.length;
let lastMs = -1;
let counter = 0;
let prefix = "";

/**
 * A UUID version 7 (RFC 9562 section 5.7): 48 bits of milliseconds, a 12-bit counter that keeps ids of
 * one process in order within a millisecond, and 62 random bits.
 */
export function createId(now: number): string {
  if (now > lastMs) {
    moveTo(now);
    counter = 0;
  } else if (counter === 0xfff) {
    moveTo(lastMs + 1);
    counter = 0;
  } else {
    counter += 1;
  }
  if (poolAt === pool.length) {
    randomFillSync(pool);
    poolAt = 0;
  }
  const at = poolAt;
  poolAt += 8;
  const byte = (index: number) => hex[pool[at + index] as number] as string;
  const variant = hex[((pool[at] as number) & 0x3f) | 0x80] as string;
  const count = hex[0x70 | (counter >> 8)] as string;
  return `${prefix}${count}${hex[counter & 0xff]}-${variant}${byte(1)}-${byte(2)}${byte(3)}${byte(4)}${byte(5)}${byte(6)}${byte(7)}`;
}

function moveTo(ms: number): void {
  lastMs = ms;
  const text = ms.toString(16).padStart(12, "0");
  prefix = `${text.slice(0, 8)}-${text.slice(8)}-`;
}
