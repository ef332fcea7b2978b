import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** PEM texts. */
export interface Pair {
  readonly cert: string;
  readonly key: string;
}

export interface Authority {
  /** PEM of its own certificate. */
  readonly ca: string;
  /** A certificate for addresses such as `IP:127.0.0.1,DNS:localhost`; of -1 days, it has expired. @default 2 days */
  sign(name: string, addresses: string, days?: number): Promise<Pair>;
  /** A certificate that no authority knows. */
  selfSign(name: string, addresses?: string): Promise<Pair>;
}

/**
 * Makes certificates with `openssl`; undefined, said loudly, where that is not installed.
 * @param what is not tested then
 */
export async function makeCertificates<Made>(
  what: string,
  make: (authority: Authority) => Promise<Made>,
): Promise<Made | undefined> {
  try {
    await run("openssl", ["version"]);
  } catch {
    process.stderr.write(`\n!!! openssl is not installed: ${what} is NOT TESTED !!!\n\n`);
    return undefined;
  }
  const folder = await mkdtemp(join(tmpdir(), "pipehooks-tls-"));
  try {
    return await make(await createAuthority(folder));
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function createAuthority(folder: string): Promise<Authority> {
  const openssl = (...args: string[]) => run("openssl", args, { cwd: folder });
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const read = (file: string) => readFile(join(folder, file), "utf8");
  const pairOf = async (name: string): Promise<Pair> => ({
    cert: await read(`${name}.pem`),
    key: await read(`${name}.key`),
  });

  const selfSign: Authority["selfSign"] = async (name, addresses) => {
    const extension = addresses === undefined ? [] : ["-addext", `subjectAltName=${addresses}`];
    const files = ["-keyout", `${name}.key`, "-out", `${name}.pem`];
    const subject = ["-days", "2", "-subj", `/CN=${name}`];
    await openssl("req", "-x509", ...newKey, ...subject, ...extension, ...files);
    return pairOf(name);
  };

  const sign: Authority["sign"] = async (name, addresses, days = 2) => {
    const files = ["-keyout", `${name}.key`, "-out", `${name}.csr`];
    await openssl("req", ...newKey, "-subj", `/CN=${name}`, ...files);
    await writeFile(join(folder, `${name}.ext`), `subjectAltName=${addresses}`);
    const issuer = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"];
    const outcome = ["-days", String(days), "-extfile", `${name}.ext`, "-out", `${name}.pem`];
    await openssl("x509", "-req", "-in", `${name}.csr`, ...issuer, ...outcome);
    return pairOf(name);
  };

  const { cert: ca } = await selfSign("ca");
  return { ca, sign, selfSign };
}
