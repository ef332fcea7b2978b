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
  /** For 127.0.0.1. */
  readonly server: Pair;
  /** For another address. */
  readonly otherServer: Pair;
  readonly expiredServer: Pair;
  readonly client: Pair;
  /** Signed by itself. */
  readonly stranger: Pair;
}

/** Makes an authority and certificates with `openssl`; undefined, said loudly, where that is not installed. */
export async function createCertificates(): Promise<Certificates | undefined> {
  const folder = await mkdtemp(join(tmpdir(), "pipehooks-tls-"));
  const openssl = (...args: string[]) => run("openssl", args, { cwd: folder });
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const read = (name: string) => readFile(join(folder, name), "utf8");
  const selfSigned = async (name: string) => {
    const files = ["-keyout", `${name}.key`, "-out", `${name}.pem`];
    await openssl("req", "-x509", ...newKey, "-days", "2", "-subj", `/CN=${name}`, ...files);
    return { cert: await read(`${name}.pem`), key: await read(`${name}.key`) };
  };
  const signed = async (name: string, address: string, days: number) => {
    const files = ["-keyout", `${name}.key`, "-out", `${name}.csr`];
    await openssl("req", ...newKey, "-subj", `/CN=${name}`, ...files);
    await writeFile(join(folder, `${name}.ext`), `subjectAltName=IP:${address}`);
    const issuer = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"];
    const outcome = ["-days", String(days), "-extfile", `${name}.ext`, "-out", `${name}.pem`];
    await openssl("x509", "-req", "-in", `${name}.csr`, ...issuer, ...outcome);
    return { cert: await read(`${name}.pem`), key: await read(`${name}.key`) };
  };
  try {
    await openssl("version");
  } catch {
    process.stderr.write("\n!!! openssl is not installed: TLS is NOT TESTED !!!\n\n");
    await rm(folder, { recursive: true });
    return undefined;
  }
  try {
    const { cert: ca } = await selfSigned("ca");
    return {
      ca,
      server: await signed("server", "127.0.0.1", 2),
      otherServer: await signed("other", "127.0.0.9", 2),
      expiredServer: await signed("expired", "127.0.0.1", -1),
      client: await signed("client", "127.0.0.1", 2),
      stranger: await selfSigned("stranger"),
    };
  } finally {
    await rm(folder, { recursive: true });
  }
}
