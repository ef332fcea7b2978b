import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

export interface Receiver {
  readonly url: string;
  close(): void;
}

/** A receiver of webhooks in a process of its own, which answers 200 to everything. */
export async function startReceiver(): Promise<Receiver> {
  const program = fileURLToPath(new URL("./receiver-process.ts", import.meta.url));
  const child: ChildProcess = fork(program);
  const [port] = await once(child, "message");
  return { url: `http://127.0.0.1:${port}/hook`, close: () => child.disconnect() };
}
