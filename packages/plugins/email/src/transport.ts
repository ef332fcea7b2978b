import type { Mail } from "./message.ts";

/** Hands mails over, one attempt each. */
export interface Transport extends AsyncDisposable {
  /** Hands over to these addresses; what fails is thrown as the library throws it. */
  send(mail: Mail, addresses: readonly string[], signal: AbortSignal): Promise<Sent>;
  /** Connects and signs in, and sends nothing. Says what was reached. */
  verify(signal: AbortSignal): Promise<string>;
}

/** What became of each address. */
export interface Sent {
  readonly accepted: readonly string[];
  readonly refused: readonly Refusal[];
  /** What was answered to the whole mail, where it was taken. */
  readonly response: string;
  /** Message-ID that the service gave the mail in place of ours. */
  readonly messageId?: string | undefined;
}

export interface Refusal {
  readonly address: string;
  readonly permanent: boolean;
  readonly status: number | undefined;
  /** The server's words, its status among them. */
  readonly response: string;
}
