/** The largest whole number up to `most` for which it holds; what holds for one must hold for all below. 0 where none is. */
export function largest(most: number, holds: (count: number) => boolean): number {
  if (holds(most)) return most;
  let low = 0;
  let high = most;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (holds(middle)) low = middle;
    else high = middle;
  }
  return low;
}
