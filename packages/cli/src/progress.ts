import type { Output } from "./output.ts";

const everyMs = 100;

/** Shows how far something is, on a line of its own that is written over; says nothing where nobody watches. */
export function showProgress(output: Output, text: () => string): Disposable {
  if (!output.watched) return { [Symbol.dispose]() {} };
  // What is quickly done needs no progress: the first line comes with the first tick.
  const timer = setInterval(() => output.status(text()), everyMs);
  return {
    [Symbol.dispose]() {
      clearInterval(timer);
      output.status("");
    },
  };
}
