import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Pair } from "../../../testing/src/certificates.ts";

/**
 * A TLS server that refuses client certificates with an alert, as most servers do; one of node:tls only cuts the
 * connection.
 */
export async function createStrictReceiver(
  pair: Pair & { readonly ca: string },
): Promise<AsyncDisposable & { readonly url: string }> {
  const folder = await mkdtemp(join(tmpdir(), "pipehooks-tls-"));
  for (const name of ["ca", "cert", "key"] as const)
    await writeFile(join(folder, name), pair[name]);
  const files = ["-CAfile", "ca", "-cert", "cert", "-key", "key"];
  const strict = ["-Verify", "1", "-verify_return_error", "-www"];
  const server = spawn("openssl", ["s_server", "-accept", "127.0.0.1:0", ...files, ...strict], {
    cwd: folder,
    stdio: ["ignore", "pipe", "ignore"],
  });
  const exited = once(server, "exit");
  let said = "";
  while (!/ACCEPT \S+:\d+/.test(said)) {
    const [chunk] = await Promise.race([
      once(server.stdout, "data"),
      exited.then(() => {
        throw new Error("openssl s_server did not start");
      }),
    ]);
    said += chunk;
  }
  const port = /ACCEPT \S+:(\d+)/.exec(said)?.[1];
  return {
    url: `https://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.kill("SIGKILL");
      await exited;
      await rm(folder, { recursive: true });
    },
  };
}
