import type { Socket } from "node:net";

/** Where in a session something is answered. `data` is the answer to the whole mail. */
export type SmtpStage = "connect" | "auth" | "mailFrom" | "rcptTo" | "data";

/** Something that goes wrong. */
export interface SmtpFault {
  readonly on: SmtpStage;
  /**
   * A reply such as `450 4.2.0 Greylisted`; `never`: none at all; `cut`: the connection is reset; `garbage` (at `connect`): no
   * SMTP; `drip` (at `connect`): a greeting of one byte a second that does not end.
   */
  readonly answer: `${number} ${string}` | "never" | "cut" | "garbage" | "drip";
  /** Only for this recipient (`rcptTo`). */
  readonly to?: string | undefined;
  /** At `data`: whether the mail is taken all the same. @default false */
  readonly effect?: boolean | undefined;
  /** How often. @default until it is disposed of */
  readonly times?: number | undefined;
}

/** The faults that a receiver was told of. */
export interface SmtpFaults {
  add(fault: SmtpFault): Disposable;
  /** What goes wrong at this stage now, if anything. */
  due(stage: SmtpStage, to?: string): SmtpFault | undefined;
}

export function createSmtpFaults(): SmtpFaults {
  const faults = new Set<{ readonly fault: SmtpFault; left: number }>();
  return {
    add(fault) {
      const open = { fault, left: fault.times ?? Number.POSITIVE_INFINITY };
      faults.add(open);
      return { [Symbol.dispose]: () => void faults.delete(open) };
    },
    due(stage, to) {
      for (const open of faults) {
        if (open.fault.on !== stage || (open.fault.to !== undefined && open.fault.to !== to))
          continue;
        open.left -= 1;
        if (open.left <= 0) faults.delete(open);
        return open.fault;
      }
      return undefined;
    },
  };
}

/** Answers as a fault says: over the server's own `callback`, or on the wire. */
export function answerWrongly({
  fault: { answer },
  socket,
  callback,
}: {
  readonly fault: SmtpFault;
  readonly socket: Socket | undefined;
  readonly callback: (error: Error) => void;
}): void {
  switch (answer) {
    case "never":
      return;
    case "cut":
      socket?.resetAndDestroy();
      return;
    case "garbage":
      socket?.end("HTTP/1.1 400 Bad Request\r\n\r\n");
      return;
    case "drip":
      if (socket !== undefined) drip(socket, "220-");
      return;
    default:
      callback(toReply(answer));
  }
}

/** `450 4.2.0 Greylisted` as the error that makes the server say so. */
export function toReply(text: string): Error {
  const [, status, words] = /^(\d{3}) (.*)$/s.exec(text) ?? [];
  return Object.assign(new Error(words ?? text), { responseCode: Number(status ?? 451) });
}

function drip(socket: Socket, text: string): void {
  let at = 0;
  const timer = setInterval(() => {
    socket.write(text[at % text.length] ?? "");
    at += 1;
  }, 1000);
  socket.on("close", () => clearInterval(timer));
}
