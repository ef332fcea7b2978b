import { makeCertificates, type Pair } from "../../../testing/src/certificates.ts";

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

/** Undefined, said loudly, where `openssl` is not installed. */
export function createCertificates(): Promise<Certificates | undefined> {
  return makeCertificates("TLS of mail", async ({ ca, sign, selfSign }) => ({
    ca,
    server: await sign("server", "IP:127.0.0.1,DNS:localhost"),
    namedServer: await sign("named", "DNS:mail.example.com"),
    client: await sign("client", "DNS:client"),
    stranger: await selfSign("stranger", "IP:127.0.0.1"),
  }));
}
