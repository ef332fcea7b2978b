import { fork } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { join } from "node:path";

/** What the receiver saw of one request. */
export interface ReceivedRequest {
  readonly path: string;
  readonly signature: "good" | "bad";
  readonly id: string;
  readonly body: string;
  /** What it answers, such as `503, Retry-After: 1`. */
  readonly answer: string;
}

export interface Receiver {
  readonly url: string;
  /** Shared with whoever signs. */
  readonly secret: string;
  /** From now on it takes everything that is signed. */
  mend(): Promise<void>;
  stop(): void;
}

/** Starts the receiver in a process of its own, as another team's service would be. */
export async function startReceiver(
  received: (request: ReceivedRequest) => void,
): Promise<Receiver> {
  const secret = `whsec_${randomBytes(32).toString("base64")}`;
  const child = fork(join(import.meta.dirname, "receiver-process.ts"), {
    env: { ...process.env, WEBHOOK_SECRET: secret },
  });
  const [url] = (await once(child, "message")) as [string];
  child.on("message", (message: ReceivedRequest | "mended") => {
    if (message !== "mended") received(message);
  });
  return {
    url,
    secret,
    async mend() {
      child.send("mend");
      await once(child, "message");
    },
    stop: () => void child.kill(),
  };
}
