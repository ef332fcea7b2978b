import type { Message } from "@pipehooks/core/messages";

/** A sign that tells from afar how it stands. */
export function iconOf({ tone, severity }: Pick<Message, "tone" | "severity">): string {
  switch (tone) {
    case "good":
      return "🟢";
    case "neutral":
      return "🔵";
    case "warning":
      return "🟠";
    case "bad":
      return severity === "CRITICAL" ? "🚨" : "🔴";
  }
}
