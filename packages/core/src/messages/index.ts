// What events and deliveries mean, in words for people. For plugins that tell people; others need none of it.
export { describeError } from "./describe-error.ts";
export { compileLink, isWebAddress, type MakeLink } from "./links.ts";
export type {
  Message,
  MessageError,
  MessageFact,
  MessageLink,
  MessageRow,
  Mood,
  Tone,
} from "./message.ts";
export { formatCount } from "./quantities.ts";
export { type MessageOptions, toMessage } from "./to-message.ts";
