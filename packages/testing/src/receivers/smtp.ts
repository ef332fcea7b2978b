import type { AddressInfo, Socket } from "node:net";
import type {
  SMTPServer as Server,
  SMTPServerDataStream,
  SMTPServerOptions,
  SMTPServerSession,
} from "smtp-server";
import {
  answerWrongly,
  createSmtpFaults,
  type SmtpFault,
  type SmtpStage,
  toReply,
} from "./smtp-faults.ts";

export interface SmtpReceiverOptions {
  /** PEM texts of its certificate; STARTTLS is offered with them. With `ca`, a client certificate signed by it is required. */
  readonly tls?: { readonly key: string; readonly cert: string; readonly ca?: string } | undefined;
  /** TLS from the first byte. @default false */
  readonly secure?: boolean | undefined;
  /** Does not tell that it knows STARTTLS. @default false */
  readonly hideStartTls?: boolean | undefined;
  /** Who may send; without it anybody may. `accessToken` is for XOAUTH2. */
  readonly auth?: SmtpAccount | undefined;
  /** Ways to sign in that it offers. @default PLAIN, LOGIN, CRAM-MD5 and XOAUTH2, as far as `auth` has what they need */
  readonly authMethods?: readonly string[] | undefined;
  /** Longest mail in bytes; a longer one is refused with 552. @default 10 MiB */
  readonly size?: number | undefined;
  /** How long strangers wait: the first try of a sender at a recipient is put off with 451. @default 0 */
  readonly greylistMs?: number | undefined;
  /** A port that is free. @default any */
  readonly port?: number | undefined;
  /** Milliseconds since the epoch. @default Date.now */
  readonly now?: (() => number) | undefined;
}

export interface SmtpAccount {
  readonly user: string;
  readonly pass?: string | undefined;
  readonly accessToken?: string | undefined;
}

/** A mail that was taken. */
export interface ReceivedMail {
  readonly from: string;
  /** The recipients that were accepted. */
  readonly to: readonly string[];
  /** As it came, headers first. */
  readonly raw: Buffer;
  readonly text: string;
  /** Whether it came encrypted. */
  readonly encrypted: boolean;
  /** The name the client gave itself. */
  readonly greeting: string;
  /** Who had signed in. */
  readonly user: string | undefined;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** Equal for mails over one connection. */
  readonly connection: string;
}

/** A real SMTP server on this machine that records what it gets. */
export interface SmtpReceiver extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  readonly mails: readonly ReceivedMail[];
  /** How many connections were opened. */
  readonly connections: number;
  /** How many of them are open now. */
  readonly open: number;
  /** Most that were open at once. */
  readonly mostOpen: number;
  /** How often each stage was come to. */
  count(stage: SmtpStage): number;
  /** Goes wrong from now on; disposing of it ends that. */
  fault(fault: SmtpFault): Disposable;
  /** Resolves when so many mails have come. */
  received(count: number): Promise<void>;
}

/**
 * Starts an SMTP receiver on the loopback interface, over the npm package smtp-server, which has to be installed. Replies are
 * those of RFC 5321 and RFC 4954.
 */
export async function createSmtpReceiver(options: SmtpReceiverOptions = {}): Promise<SmtpReceiver> {
  const { SMTPServer } = await import("smtp-server");
  const { now = Date.now, greylistMs = 0, auth, size = 10 * 1024 ** 2 } = options;
  const mails: ReceivedMail[] = [];
  const sockets = new Map<number, Socket>();
  const counts = new Map<SmtpStage, number>();
  const waiting = new Set<{ readonly count: number; readonly resolve: () => void }>();
  const firstTries = new Map<string, number>();
  const faults = createSmtpFaults();
  let connections = 0;
  let mostOpen = 0;

  /** What goes wrong at this stage, if anything; `undefined` where all is well. */
  const faultAt = (stage: SmtpStage, to?: string): SmtpFault | undefined => {
    counts.set(stage, (counts.get(stage) ?? 0) + 1);
    return faults.due(stage, to);
  };

  const answer = (
    fault: SmtpFault,
    { remotePort }: SMTPServerSession,
    callback: (error: Error) => void,
  ): void => answerWrongly({ fault, socket: sockets.get(remotePort), callback });

  const take = (raw: Buffer, session: SMTPServerSession): void => {
    mails.push({
      from: session.envelope.mailFrom === false ? "" : session.envelope.mailFrom.address,
      to: session.envelope.rcptTo.map(({ address }) => address),
      raw,
      text: raw.toString(),
      encrypted: session.secure === true,
      greeting: String(session.hostNameAppearsAs),
      user: typeof session.user === "string" ? session.user : undefined,
      at: now(),
      connection: session.id,
    });
    for (const wait of waiting) if (mails.length >= wait.count) wait.resolve();
  };

  const serverOptions: SMTPServerOptions = {
    ...options.tls,
    secure: options.secure === true,
    ...(options.tls?.ca !== undefined && { requestCert: true, rejectUnauthorized: true }),
    hideSTARTTLS: options.hideStartTls === true || options.tls === undefined,
    // Without a certificate of ours it would take its own, which everybody knows.
    disabledCommands: [
      ...(auth === undefined ? ["AUTH"] : []),
      ...(options.tls === undefined ? ["STARTTLS"] : []),
    ],
    authMethods: [...(options.authMethods ?? methodsOf(auth))],
    // A client that signs in without TLS is its own fault; what it does is what is tested.
    allowInsecureAuth: true,
    disableReverseLookup: true,
    size,
    logger: false,
    closeTimeout: 100,
    onConnect(session, callback) {
      const fault = faultAt("connect");
      if (fault === undefined) callback();
      else answer(fault, session, callback);
    },
    onAuth(attempt, session, callback) {
      const fault = faultAt("auth");
      if (fault !== undefined) {
        answer(fault, session, callback);
        return;
      }
      const { username, password, accessToken, method } = attempt;
      const isRight =
        username === auth?.user &&
        (method === "XOAUTH2"
          ? accessToken !== undefined && accessToken === auth?.accessToken
          : auth?.pass !== undefined &&
            (method === "CRAM-MD5"
              ? attempt.validatePassword?.(auth.pass) === true
              : password === auth.pass));
      if (isRight) callback(null, { user: auth?.user });
      else callback(toReply("535 5.7.8 Error: authentication failed"));
    },
    onMailFrom(_address, session, callback) {
      const fault = faultAt("mailFrom");
      if (fault === undefined) callback();
      else answer(fault, session, callback);
    },
    onRcptTo({ address }, session, callback) {
      const fault = faultAt("rcptTo", address);
      if (fault !== undefined) {
        answer(fault, session, callback);
        return;
      }
      const from = session.envelope.mailFrom;
      const pair = `${from === false ? "" : from.address} ${address}`;
      const first = firstTries.get(pair) ?? now();
      firstTries.set(pair, first);
      if (now() - first < greylistMs) {
        callback(toReply("451 4.7.1 Greylisted, please come again later"));
      } else {
        callback();
      }
    },
    onData(stream, session, callback) {
      const chunks: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("end", () => {
        const fault = faultAt("data");
        if (isTooLong(stream)) {
          callback(toReply("552 5.3.4 Message exceeds fixed maximum message size"));
          return;
        }
        if (fault === undefined || fault.effect === true) take(Buffer.concat(chunks), session);
        if (fault === undefined) callback(null, "2.0.0 Ok: queued");
        else answer(fault, session, callback);
      });
    },
  };
  const server: Server = new SMTPServer(serverOptions);
  // A client that refuses our certificate, or that leaves, is no fault of the server.
  server.on("error", () => {});
  server.server.on("connection", (socket: Socket) => {
    const { remotePort = 0 } = socket;
    connections += 1;
    sockets.set(remotePort, socket);
    mostOpen = Math.max(mostOpen, sockets.size);
    socket.on("close", () => sockets.delete(remotePort));
    socket.on("error", () => {});
  });
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, "127.0.0.1", resolve));
  const { port } = server.server.address() as AddressInfo;

  return {
    host: "127.0.0.1",
    port,
    mails,
    get connections() {
      return connections;
    },
    get open() {
      return sockets.size;
    },
    get mostOpen() {
      return mostOpen;
    },
    count: (stage) => counts.get(stage) ?? 0,
    fault: faults.add,
    received(count) {
      if (mails.length >= count) return Promise.resolve();
      return new Promise((resolve) => {
        waiting.add({ count, resolve });
      });
    },
    async [Symbol.asyncDispose]() {
      if (!server.server.listening) return;
      const closed = new Promise<void>((resolve) => server.close(resolve));
      for (const socket of sockets.values()) socket.destroy();
      await closed;
    },
  };
}

function methodsOf(auth: SmtpAccount | undefined): readonly string[] {
  return [
    ...(auth?.pass === undefined ? [] : ["PLAIN", "LOGIN", "CRAM-MD5"]),
    ...(auth?.accessToken === undefined ? [] : ["XOAUTH2"]),
  ];
}

function isTooLong(stream: SMTPServerDataStream): boolean {
  return stream.sizeExceeded;
}
