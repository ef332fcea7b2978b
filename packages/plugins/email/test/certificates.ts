import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

export interface Pair {
  readonly cert: string;
  readonly key: string;
}

export interface Certificates {
  /** PEM of the authority that signed all the others. */
  readonly ca: string;
  /** For 127.0.0.1 and localhost. */
  readonly server: Pair;
  /** For mail.example.com. */
  readonly namedServer: Pair;
  readonly client: Pair;
  /** Signed by itself, for 127.0.0.1. */
  readonly stranger: Pair;
}

/** Makes an authority and certificates with `openssl`; undefined, said loudly, where that is not installed. */
export async function createCertificates(): Promise<Certificates | undefined> {
  const folder = await mkdtemp(join(tmpdir(), "pipehooks-mail-tls-"));
  const openssl = (...args: string[]) => run("openssl", args, { cwd: folder });
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const read = (name: string) => readFile(join(folder, name), "utf8");
  const pairOf = async (name: string): Promise<Pair> => ({
    cert: await read(`${name}.pem`),
    key: await read(`${name}.key`),
  });
  const selfSigned = async (name: string, more: readonly string[] = []) => {
    const files = ["-keyout", `${name}.key`, "-out", `${name}.pem`];
    const subject = ["-days", "2", "-subj", `/CN=${name}`];
    await openssl("req", "-x509", ...newKey, ...subject, ...more, ...files);
    return pairOf(name);
  };
  const signed = async (name: string, names: string) => {
    const files = ["-keyout", `${name}.key`, "-out", `${name}.csr`];
    await openssl("req", ...newKey, "-subj", `/CN=${name}`, ...files);
    await writeFile(join(folder, `${name}.ext`), `subjectAltName=${names}`);
    const issuer = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"];
    const outcome = ["-days", "2", "-extfile", `${name}.ext`, "-out", `${name}.pem`];
    await openssl("x509", "-req", "-in", `${name}.csr`, ...issuer, ...outcome);
    return pairOf(name);
  };
  try {
    await openssl("version");
  } catch {
    process.stderr.write("\n!!! openssl is not installed: TLS of mail is NOT TESTED !!!\n\n");
    await rm(folder, { recursive: true });
    return undefined;
  }
  try {
    const { cert: ca } = await selfSigned("ca");
    return {
      ca,
      server: await signed("server", "IP:127.0.0.1,DNS:localhost"),
      namedServer: await signed("named", "DNS:mail.example.com"),
      client: await signed("client", "DNS:client"),
      stranger: await selfSigned("stranger", ["-addext", "subjectAltName=IP:127.0.0.1"]),
    };
  } finally {
    await rm(folder, { recursive: true });
  }
}
