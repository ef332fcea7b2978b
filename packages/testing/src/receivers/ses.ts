import {
  type Answering,
  createHttpReceiver,
  type Misbehaviour,
  type ReceivedRequest,
} from "./http.ts";

export interface SesReceiverOptions {
  /** Whose requests are taken. @default `AKIATEST` */
  readonly accessKeyId?: string | undefined;
  /** Mails a second; more are answered with 429. @default no limit */
  readonly perSecond?: number | undefined;
  /** Mails in 24 hours; more are answered with 429. @default no limit */
  readonly perDay?: number | undefined;
  /** Milliseconds since the epoch. @default Date.now */
  readonly now?: (() => number) | undefined;
}

/** Something that goes wrong. */
export interface SesFault {
  /** Instead of the right answer; a name such as `MessageRejected` is an exception of the API. */
  readonly answer:
    | { readonly status: number; readonly name: string; readonly message?: string | undefined }
    | Misbehaviour;
  /** Whether the mail is sent all the same. @default false */
  readonly effect?: boolean | undefined;
  /** How often. @default until it is disposed of */
  readonly times?: number | undefined;
}

/** A mail that was taken. */
export interface SesMail {
  readonly id: string;
  readonly from: string;
  readonly to: readonly string[];
  readonly raw: Buffer;
  readonly text: string;
  readonly configurationSet: string | undefined;
  readonly tags: readonly { readonly Name: string; readonly Value: string }[];
  readonly at: number;
}

/** A local stand-in for `SendEmail` of the API of Amazon SES, version 2. */
export interface SesReceiver extends AsyncDisposable {
  readonly url: string;
  readonly mails: readonly SesMail[];
  readonly requests: readonly ReceivedRequest[];
  fault(fault: SesFault): Disposable;
}

/**
 * Starts a receiver of `POST /v2/email/outbound-emails` with raw mails. Errors are REST JSON: the exception's name in
 * `x-amzn-errortype`, the text in `{ message }`.
 */
export async function createSesReceiver(options: SesReceiverOptions = {}): Promise<SesReceiver> {
  const { accessKeyId = "AKIATEST", now = Date.now } = options;
  const mails: SesMail[] = [];
  const faults = new Set<{ fault: SesFault; left: number }>();
  const times: number[] = [];

  const nextFault = (): SesFault | undefined => {
    const [open] = faults;
    if (open === undefined) return undefined;
    open.left -= 1;
    if (open.left <= 0) faults.delete(open);
    return open.fault;
  };

  const fitsWithin = (count: number | undefined, windowMs: number): boolean =>
    count === undefined || times.filter((at) => at > now() - windowMs).length < count;

  const answer = (request: ReceivedRequest): Answering => {
    if (request.method !== "POST" || request.path !== "/v2/email/outbound-emails") {
      return exception(404, "NotFoundException", "No such operation");
    }
    const refusal = checkSignature(request.headers.authorization, accessKeyId);
    if (refusal !== undefined) return refusal;
    const fault = nextFault();
    if (fault !== undefined && fault.effect !== true) return toAnswer(fault);
    const mail = toMail(request, mails.length, now());
    if (mail === undefined) {
      return exception(400, "BadRequestException", "Local address or domain is invalid");
    }
    if (!fitsWithin(options.perSecond, 1_000)) {
      return exception(429, "TooManyRequestsException", "Maximum sending rate exceeded.");
    }
    if (!fitsWithin(options.perDay, 86_400_000)) {
      return exception(429, "TooManyRequestsException", "Daily message quota exceeded.");
    }
    times.push(now());
    mails.push(mail);
    return fault === undefined
      ? { status: 200, headers: json, body: JSON.stringify({ MessageId: mail.id }) }
      : toAnswer(fault);
  };

  const http = await createHttpReceiver({ respond: answer });
  return {
    url: http.url,
    mails,
    requests: http.requests,
    fault(fault) {
      const open = { fault, left: fault.times ?? Number.POSITIVE_INFINITY };
      faults.add(open);
      return { [Symbol.dispose]: () => void faults.delete(open) };
    },
    [Symbol.asyncDispose]: () => http[Symbol.asyncDispose](),
  };
}

const json = { "content-type": "application/json" };

function toAnswer({ answer }: SesFault): Answering {
  if (typeof answer === "string") return answer;
  return exception(answer.status, answer.name, answer.message ?? "It failed.");
}

function exception(status: number, name: string, message: string): Answering {
  const headers = { ...json, "x-amzn-errortype": name };
  return { status, headers, body: JSON.stringify({ message }) };
}

// Who signed is looked at, not the signature: the client of AWS is not what is tested.
function checkSignature(header: string | undefined, accessKeyId: string): Answering | undefined {
  if (header === undefined || !header.startsWith("AWS4-HMAC-SHA256 ")) {
    return exception(403, "MissingAuthenticationTokenException", "Missing Authentication Token");
  }
  const [, key, service] =
    /Credential=([^/]+)\/\d+\/[^/]+\/([^/]+)\/aws4_request/.exec(header) ?? [];
  if (key !== accessKeyId || service !== "ses") {
    return exception(
      403,
      "UnrecognizedClientException",
      "The security token included in the request is invalid.",
    );
  }
  return undefined;
}

function toMail(request: ReceivedRequest, index: number, at: number): SesMail | undefined {
  const body = JSON.parse(request.text) as {
    readonly FromEmailAddress?: string;
    readonly Destination?: { readonly ToAddresses?: readonly string[] };
    readonly Content?: { readonly Raw?: { readonly Data?: string } };
    readonly ConfigurationSetName?: string;
    readonly EmailTags?: SesMail["tags"];
  };
  const to = body.Destination?.ToAddresses ?? [];
  const raw = Buffer.from(body.Content?.Raw?.Data ?? "", "base64");
  const isUsable = to.length > 0 && to.every((address) => /@[^@]+\.[^@]+$/.test(address));
  if (!isUsable || raw.length === 0) return undefined;
  return {
    id: `0100019${index.toString(16).padStart(9, "0")}-test-000000`,
    from: body.FromEmailAddress ?? "",
    to,
    raw,
    text: raw.toString(),
    configurationSet: body.ConfigurationSetName,
    tags: body.EmailTags ?? [],
    at,
  };
}
