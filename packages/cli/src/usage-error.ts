/** The command was not typed as it can be taken. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
