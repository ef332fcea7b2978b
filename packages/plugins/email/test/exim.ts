import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import type { Pair } from "../../../testing/src/certificates.ts";

const program = "/usr/sbin/exim4";

/** A Debian mail server with a folder for the mails. */
export interface Exim extends AsyncDisposable {
  readonly port: number;
  /** The mails that were delivered, by recipient. */
  mailsOf(user: string): Promise<readonly Buffer[]>;
  /** Ends the time in which `later@…` is put off. */
  letLater(): Promise<void>;
}

/** Version of the mail server that is installed; undefined without one. */
export async function findExim(): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)(program, ["-bV"]);
    return /^Exim version \S+/.exec(stdout)?.[0];
  } catch {
    return undefined;
  }
}

/** Starts it: STARTTLS and AUTH PLAIN are needed; `nobody@…` is refused, `later@…` put off for a while. */
export async function startExim(certificate: Pair, user: string, pass: string): Promise<Exim> {
  const folder = await mkdtemp(join(tmpdir(), "pipehooks-exim-"));
  // The server has a user of its own.
  await chmod(folder, 0o755);
  for (const name of ["spool", "log", "mail"]) {
    await mkdir(join(folder, name));
    await chmod(join(folder, name), 0o777);
  }
  await writeFile(join(folder, "cert.pem"), certificate.cert);
  await writeFile(join(folder, "key.pem"), certificate.key);
  const port = await freePort();
  const configuration = join(folder, "exim.conf");
  await writeFile(configuration, configurationOf({ folder, port, user, pass }));
  const child = spawn(program, ["-C", configuration, "-bdf", "-q1s"], { stdio: "pipe" });
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => {
    said += chunk.toString();
  });
  await listens(port, () => {
    if (child.exitCode !== null) throw new Error(`the mail server ended: ${said}`);
  });
  return {
    port,
    async mailsOf(name) {
      const inbox = join(folder, "mail", name, "new");
      const files = await readdir(inbox).catch(() => []);
      return Promise.all(files.sort().map((file) => readFile(join(inbox, file))));
    },
    letLater: () => writeFile(join(folder, "later-is-now"), ""),
    async [Symbol.asyncDispose]() {
      child.kill();
      if (child.exitCode === null) await once(child, "exit");
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

function configurationOf(parts: {
  readonly folder: string;
  readonly port: number;
  readonly user: string;
  readonly pass: string;
}): string {
  const { folder, port, user, pass } = parts;
  return `
spool_directory = ${folder}/spool
log_file_path = ${folder}/log/%slog
pid_file_path = ${folder}/spool/exim.pid
primary_hostname = mail.example.com
local_interfaces = 127.0.0.1
daemon_smtp_ports = ${port}
tls_advertise_hosts = *
tls_certificate = ${folder}/cert.pem
tls_privatekey = ${folder}/key.pem
auth_advertise_hosts = \${if def:tls_in_cipher {*}}
deliver_drop_privilege
never_users =
acl_smtp_rcpt = check_recipient
host_lookup =
rfc1413_query_timeout = 0s

begin acl
check_recipient:
  deny    message = authentication required
          !authenticated = *
  deny    message = no such user
          local_parts = nobody
  defer   message = greylisted, come again
          local_parts = later
          condition = \${if !exists{${folder}/later-is-now}}
  accept

begin routers
everybody:
  driver = accept
  local_parts = data : later
  transport = maildir

begin transports
maildir:
  driver = appendfile
  directory = ${folder}/mail/$local_part_data
  maildir_format
  create_directory

begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = \${if and{{eq{$auth2}{${user}}}{eq{$auth3}{${pass}}}}}
  server_set_id = $auth2
`;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  return port;
}

async function listens(port: number, check: () => void): Promise<void> {
  for (let tries = 0; tries < 100; tries += 1) {
    check();
    const socket = connect(port, "127.0.0.1");
    const open = await once(socket, "connect").then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (open) return;
    await sleep(50);
  }
  throw new Error(`nothing listens on port ${port}`);
}
