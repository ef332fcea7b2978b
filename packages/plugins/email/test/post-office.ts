import type {
  AlertState,
  Delivery,
  HookContext,
  HookError,
  Outcome,
  PipehooksEvent,
} from "@pipehooks/core";
import { isHookError } from "@pipehooks/core";
import { type EmailOptions, email, type SmtpOptions } from "@pipehooks/email";
import {
  createSmtpReceiver,
  createTestDelivery,
  createTestEvent,
  type OpenedHook,
  openHook,
  type SmtpReceiver,
  type SmtpReceiverOptions,
} from "@pipehooks/testing";
import { type ParsedMail, simpleParser } from "mailparser";

/** A hook and the server that it mails to. */
export interface PostOffice extends AsyncDisposable {
  readonly server: SmtpReceiver;
  readonly opened: OpenedHook;
  deliver(fields?: Partial<Delivery>): Promise<Outcome | void>;
  /** What an attempt failed with. */
  failure(fields?: Partial<Delivery>): Promise<HookError>;
  /** What came, parsed; the last one, or that at the index. */
  mail(index?: number): Promise<ParsedMail>;
}

export const from = "Pipelines <pipelines@example.com>";
export const to = "team@example.com";

export async function openPostOffice(
  options: Partial<Omit<EmailOptions, "smtp">> & { readonly smtp?: Partial<SmtpOptions> } = {},
  {
    server: serverOptions,
    context,
  }: { readonly server?: SmtpReceiverOptions; readonly context?: Partial<HookContext> } = {},
): Promise<PostOffice> {
  const server = await createSmtpReceiver(serverOptions);
  const { smtp, ...rest } = options;
  const opened = await openHook(
    email,
    { smtp: { host: server.host, port: server.port, ...smtp }, from, to, ...rest },
    context,
  ).catch(async (error: unknown) => {
    await server[Symbol.asyncDispose]();
    throw error;
  });
  const deliver = async (fields: Partial<Delivery> = {}) =>
    opened.hook.deliver(createTestDelivery(fields));
  return {
    server,
    opened,
    deliver,
    async failure(fields) {
      const thrown = await deliver(fields).then(
        (outcome) => new Error(`it ended well: ${JSON.stringify(outcome)}`),
        (error: unknown) => error,
      );
      if (isHookError(thrown)) return thrown;
      throw thrown;
    },
    async mail(index = server.mails.length - 1) {
      const mail = server.mails[index];
      if (mail === undefined) throw new Error(`there is no mail ${index}`);
      return simpleParser(mail.raw);
    },
    async [Symbol.asyncDispose]() {
      await opened[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** A delivery of the gate `alert`, by default of one failure of the pipeline `orders`. */
export function incident(
  state: AlertState["state"],
  {
    alert,
    ...fields
  }: Partial<Omit<Delivery, "alert">> & { readonly alert?: Partial<AlertState> } = {},
): Partial<Delivery> {
  const count = alert?.count ?? 1;
  return {
    event: state === "resolved" ? createTestEvent() : failedEvent(),
    key: "orders",
    idempotencyKey: `ph_${state}_${count}`,
    gate: { reason: "because", restIds: [] },
    ...fields,
    alert: {
      state,
      since: "2026-01-15T06:30:00.000Z",
      count,
      key: "orders",
      incident: "i1",
      ...alert,
    },
  };
}

/** An end of a pipeline by an error. */
export function failedEvent(fields: Partial<PipehooksEvent> = {}): PipehooksEvent {
  return createTestEvent({
    type: "pipeline.error",
    error: {
      class: "AnalysisException",
      message: "Table or view not found: raw.orders",
      severity: "CRITICAL",
      stack: "AnalysisException: Table or view not found\n    at load (orders.ts:12:3)",
      causes: [{ class: "TimeoutError", message: "the metastore did not answer" }],
    },
    metadata: { duration: 12.5 },
    ...fields,
  });
}
