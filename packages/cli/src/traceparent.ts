/** Whether a text is a W3C traceparent: a foreign tool's mistake in the environment must not cost the event. */
export function isTraceparent(text: string | undefined): boolean {
  return /^[\da-f]{2}-(?!0{32})[\da-f]{32}-(?!0{16})[\da-f]{16}-[\da-f]{2}$/.test(text ?? "");
}
