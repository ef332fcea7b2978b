/** A message as part of a longer sentence: without its full stop. */
export function withoutStop(message: string): string {
  return message.replace(/\.$/, "");
}
