import { makeCertificates, type Pair } from "../../../testing/src/certificates.ts";

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

/** Undefined, said loudly, where `openssl` is not installed. */
export function createCertificates(): Promise<Certificates | undefined> {
  return makeCertificates("TLS", async ({ ca, sign, selfSign }) => ({
    ca,
    server: await sign("server", "IP:127.0.0.1"),
    otherServer: await sign("other", "IP:127.0.0.9"),
    expiredServer: await sign("expired", "IP:127.0.0.1", -1),
    client: await sign("client", "IP:127.0.0.1"),
    stranger: await selfSign("stranger"),
  }));
}
