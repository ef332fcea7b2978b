import { isUtf8 } from "node:buffer";

/** A line of the input, or why it cannot be read; numbered from 1. */
export type Line =
  | { readonly number: number; readonly text: string }
  | { readonly number: number; readonly problem: string };

/** A longer line is no event: it is passed over without being kept. */
const mostLineBytes = 16 * 1024 * 1024;
const newline = 0x0a;

/** Lines in groups, one for each piece of the input that holds an end of line; empty lines are left out. */
export async function* readLines(input: AsyncIterable<Buffer>): AsyncGenerator<readonly Line[]> {
  let number = 1;
  let begun: Buffer[] = [];
  let begunBytes = 0;
  let tooLong = false;

  const keep = (piece: Buffer) => {
    if (piece.length === 0) return;
    begunBytes += piece.length;
    tooLong ||= begunBytes > mostLineBytes;
    if (tooLong) begun = [];
    else begun.push(piece);
  };
  const take = (piece: Buffer): Line[] => {
    keep(piece);
    const first = number;
    const lines: Line[] = [];
    if (tooLong) {
      const ends = countNewlines(piece);
      lines.push({
        number: first,
        problem: `it is longer than ${mostLineBytes / 1024 / 1024} MiB`,
      });
      // Only the first line of the piece belongs to what was too long.
      const rest = ends === 0 ? undefined : piece.subarray(piece.indexOf(newline) + 1);
      number = first + 1;
      if (rest !== undefined) lines.push(...split(rest, number));
      number = first + ends + 1;
    } else {
      const block = begun.length === 1 ? (begun[0] as Buffer) : Buffer.concat(begun);
      lines.push(...split(block, first));
      number = first + countNewlines(block) + 1;
    }
    begun = [];
    begunBytes = 0;
    tooLong = false;
    return lines;
  };

  for await (const chunk of input) {
    const end = chunk.lastIndexOf(newline);
    if (end < 0) {
      keep(chunk);
      continue;
    }
    // Without its last newline: what stands behind begins the next group.
    yield take(chunk.subarray(0, end));
    keep(chunk.subarray(end + 1));
  }
  if (begunBytes > 0) yield take(Buffer.alloc(0));
}

function split(block: Buffer, first: number): Line[] {
  if (isUtf8(block)) {
    return block
      .toString()
      .split("\n")
      .flatMap((text, index) => toLine(text, first + index));
  }
  const lines: Line[] = [];
  let number = first;
  for (let start = 0; start <= block.length; number += 1) {
    const found = block.indexOf(newline, start);
    const end = found < 0 ? block.length : found;
    const line = block.subarray(start, end);
    if (isUtf8(line)) lines.push(...toLine(line.toString(), number));
    else lines.push({ number, problem: "it is not UTF-8" });
    start = end + 1;
  }
  return lines;
}

function toLine(text: string, number: number): Line[] {
  const line = number === 1 && text.startsWith("\ufeff") ? text.slice(1) : text;
  return line.trim() === "" ? [] : [{ number, text: line }];
}

function countNewlines(block: Buffer): number {
  let count = 0;
  for (let at = block.indexOf(newline); at >= 0; at = block.indexOf(newline, at + 1)) count += 1;
  return count;
}
