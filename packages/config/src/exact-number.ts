/** What is wrong with a number that a file holds, if anything: it is carried as JSON, and exactly. */
export function judgeNumber(
  value: number,
  written: string,
): { readonly message: string; readonly suggestion?: string } | undefined {
  if (!Number.isFinite(value)) {
    return { message: `${written} is not a number that JSON can carry.` };
  }
  if (!Number.isInteger(value) || Number.isSafeInteger(value)) return undefined;
  return {
    message: `${written} is larger than a number can carry exactly. Put it in quotes.`,
    suggestion: `"${written}"`,
  };
}
