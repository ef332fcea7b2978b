import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { Missing } from "../measuring/comparison.ts";

export interface Server {
  readonly port: number;
  stop(): Promise<void>;
}

/**
 * Starts a server of the system's and waits until it listens.
 * @throws Missing when it is not installed
 */
export async function startServer(
  command: string,
  { debian, args }: { debian: string; args: (port: number) => readonly string[] },
): Promise<Server> {
  requireCommand(command, debian);
  const port = await freePort();
  const child = spawn(command, args(port), { stdio: "ignore" });
  const stopWithUs = () => void child.kill();
  process.on("exit", stopWithUs);
  await listening(port, child);
  return {
    port,
    async stop() {
      process.off("exit", stopWithUs);
      if (child.exitCode !== null) return;
      const ended = once(child, "exit");
      child.kill();
      await ended;
    },
  };
}

/** What `command --version` says. */
export function requireCommand(command: string, debian: string): string {
  const { error, stdout } = spawnSync(command, ["--version"], { encoding: "utf8" });
  if (error !== undefined) {
    throw new Missing(`${command} is not installed (Debian: apt-get install ${debian})`);
  }
  return stdout;
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address !== null ? address.port : 0;
}

async function listening(port: number, child: ChildProcess): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    if (child.exitCode !== null) throw new Error(`${child.spawnfile} ended at its start`);
    const socket = connect(port, "127.0.0.1");
    const reached = await once(socket, "connect").then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (reached) return;
    await sleep(50);
  }
  throw new Error(`${child.spawnfile} does not listen`);
}
