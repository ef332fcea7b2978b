import {
  type Answer,
  type Delivery,
  delivered,
  type Hook,
  type HookContext,
  HookError,
  type JsonValue,
  messageOf,
  type Outcome,
  pending,
  redactJson,
  skipped,
  withoutStop,
} from "@pipehooks/core";
import type { TargetOptions } from "@pipehooks/core/targets";
import type { Cuts } from "../text.ts";
import { createIncidents, type IncidentNote } from "./incidents.ts";
import {
  type ChannelRequest,
  createTransport,
  type Received,
  type Transport,
} from "./transport.ts";
import { judgeAnswer, type Reading } from "./verdict.ts";

/** What makes a product out of the common sender. */
export interface Channel {
  readonly origin: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly reading: Reading;
  /** What is sent for a delivery, one request after the other; what had to be cut is noted. */
  plan(delivery: Delivery, note: IncidentNote, cuts: Cuts): readonly Step[];
  /** Until when nothing may be sent, and why; asked before each delivery. */
  holdUntil?(): Promise<number | undefined>;
  /** Told of every answer. */
  hear?(received: Received): Promise<void>;
  /** Asks about the credentials, where the product lets one; undefined where it cannot be told. */
  check?(transport: Transport, signal: AbortSignal): Promise<string | undefined>;
  /** What `check` cannot tell without sending something. */
  readonly unproved: string;
}

/** One request. */
export interface Step {
  readonly request: ChannelRequest;
  /** Sent instead where the receiver refuses this one for good, but for want of credentials. */
  readonly orElse?: Step | undefined;
  /** Where the first message of the incident is, from its answer. */
  placeOf?(received: Received): IncidentNote["place"];
}

/** Longest text of an answer that is kept. */
const mostText = 2048;
/** What to do once it is mended, where the hook is switched off. */
const afterwards = "Then enable the hook and replay this delivery.";
/** How soon a delivery looks again whether it is its incident's turn. */
const turnMs = 1_000;
/** Longest phrase of an answer in a message. */
const mostSaid = 300;

/** The hook over a channel: sends, judges, remembers incidents. */
export async function createAlertHook(
  channel: Channel,
  { allowHttp, allowPrivate, allow }: TargetOptions,
  context: HookContext,
): Promise<Hook> {
  const { name, clock, redact, logger } = context;
  const { origin, headers, reading } = channel;
  const rules = { allowHttp, allowPrivate, allow, who: "alerts" };
  const transport = await createTransport({ origin, headers, rules }, context);
  const incidents = createIncidents(context.shared(`alerts of ${name}`), () => clock.now());

  const judge = (received: Received, delivery: Delivery): Answer => {
    const { meaning, says, remedy, retryAfterMs } = judgeAnswer(received, reading, clock.now());
    const { status } = received;
    // Redacted before it is cut, or half a secret would stay.
    const text = redact(received.text);
    const answer = { status, body: text.length > mostText ? text.slice(0, mostText) : text };
    const phrase = withoutStop(redact(says ?? "").replace(/\s+/g, " "));
    const said = phrase === "" ? "" : ` (${phrase.slice(0, mostSaid)})`;
    const what = `${name}: ${origin.host} answered ${status}${said} to event ${delivery.event.id}.`;
    const message = remedy === undefined ? what : `${what} ${remedy}`;
    switch (meaning) {
      case "accepted":
        return answer;
      case "redirect":
        throw new HookError(
          "REDIRECT_REFUSED",
          `${what} It is a redirect, which is never followed. Write the address that it leads to.`,
          { answer },
        );
      case "failed":
      case "overloaded":
        throw new HookError("RECEIVER_FAILED", message, {
          retryable: true,
          scope: meaning === "overloaded" ? "destination" : "delivery",
          retryAfterMs,
          answer,
        });
      case "denied":
        throw new HookError("RECEIVER_REFUSED", `${message} ${afterwards}`, {
          scope: "gone",
          answer,
        });
      case "gone":
        throw new HookError("RECEIVER_GONE", `${message} ${afterwards}`, { scope: "gone", answer });
      case "refused":
        throw new HookError("RECEIVER_REFUSED", message, { answer });
    }
  };

  const send = async (step: Step, delivery: Delivery): Promise<Answer> => {
    const received = await transport.post(step.request, delivery.signal);
    await channel.hear?.(received);
    if (step.orElse !== undefined) {
      const { meaning, says } = judgeAnswer(received, reading, clock.now());
      if (meaning === "refused" || meaning === "gone") {
        logger.info(
          `${name}: refused (${redact(says ?? String(received.status))}); another way is tried.`,
        );
        return send(step.orElse, delivery);
      }
    }
    const answer = judge(received, delivery);
    const place = step.placeOf?.(received);
    if (place !== undefined && delivery.alert !== undefined) {
      const { incident } = delivery.alert;
      await noted(incident, incidents.write(incident, { place }));
    }
    return answer;
  };

  /** It has been told: what the store does not take down now must not make it told again. */
  const noted = async (incident: string, writing: Promise<void>): Promise<void> => {
    try {
      await writing;
    } catch (error) {
      logger.warn(`${name}: the incident ${incident} was not noted: ${messageOf(error)}`);
    }
  };

  const sendAll = async (delivery: Delivery, note: IncidentNote): Promise<Outcome> => {
    const cuts: Cuts = [];
    const steps = channel.plan(delivery, note, cuts);
    const now = clock.now();
    const until = await channel.holdUntil?.();
    if (until !== undefined && until > now) {
      return later(delivery, until - now, `the limit of ${origin.host} is used up`);
    }
    if (cuts.length > 0) logger.warn(`${name}: cut for ${delivery.event.id}: ${cuts.join("; ")}.`);
    let answer: Answer = {};
    for (const step of steps) answer = await send(step, delivery);
    return delivered(answer);
  };

  return {
    async deliver(delivery): Promise<Outcome> {
      const { alert } = delivery;
      if (alert === undefined || delivery.signal.aborted) return sendAll(delivery, {});
      const { incident, state } = alert;
      const note = await incidents.take(incident, delivery.id);
      if (note === undefined) {
        return later(
          delivery,
          turnMs,
          `another message about the incident ${incident} is on its way`,
        );
      }
      let outcome: Outcome | undefined;
      try {
        outcome =
          note.resolved === true && state !== "resolved"
            ? skipped(`the end of the incident ${incident} was told meanwhile`)
            : await sendAll(delivery, note);
        return outcome;
      } finally {
        const isOver = state === "resolved" && outcome?.type === "delivered";
        const last = isOver ? { resolved: true } : {};
        await noted(incident, incidents.release(incident, delivery.id, last));
      }
    },
    async render(delivery) {
      const { alert } = delivery;
      const note = alert === undefined ? {} : await incidents.read(alert.incident);
      const [step] = channel.plan(delivery, note, []);
      const { path = "/", body = null } = step?.request ?? {};
      const { authorization } = headers;
      return {
        target: redact(`POST ${origin.origin}${path}`),
        headers: {
          "content-type": "application/json; charset=utf-8",
          ...(authorization !== undefined && { authorization: redact(authorization) }),
        },
        body: redactJson(body, redact),
      };
    },
    answered({ status, headers: given, body }, delivery) {
      const text = typeof body === "string" ? body : JSON.stringify(body);
      const json = typeof body === "string" ? parse(body) : body;
      return delivered(judge({ status, headers: given, text, json }, delivery));
    },
    async check(signal) {
      const startedAt = performance.now();
      const known = await channel.check?.(transport, signal);
      if (known !== undefined) return { summary: `${origin.host}: ${redact(known)}` };
      const protocol = await transport.probe(signal);
      const ms = Math.round(performance.now() - startedAt);
      return { summary: `${origin.host} reached in ${ms} ms (${protocol}); ${channel.unproved}` };
    },
    [Symbol.asyncDispose]: () => transport.dispose(),
  };
}

/** Nothing was sent: the delivery comes again by itself. */
function later({ state = null }: Delivery, againMs: number, reason: string): Outcome {
  return pending({ state, againMs, reason, sent: false, record: false });
}

function parse(text: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return null;
  }
}
