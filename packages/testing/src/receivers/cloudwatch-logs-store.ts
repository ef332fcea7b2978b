/** An event as it is kept. */
export interface CloudWatchEvent {
  readonly timestamp: number;
  readonly message: string;
}

export interface CloudWatchGroup {
  retentionDays: number | undefined;
  readonly streams: Map<string, CloudWatchEvent[]>;
}

/** What CloudWatch Logs refuses a call with. */
export class CloudWatchRefusal extends Error {
  override readonly name = "CloudWatchRefusal";
  readonly type: string;

  constructor(type: string, message: string) {
    super(message);
    this.type = type;
  }
}

export interface CloudWatchAnswer {
  readonly [key: string]: unknown;
}

type Input = Readonly<Record<string, unknown>>;

const hour = 3_600_000;
const day = 24 * hour;
const eventOverhead = 26;
const mostBytes = 1_048_576;
const mostEvents = 10_000;
const retentions = new Set([
  ...[1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192],
  ...[2557, 2922, 3288, 3653],
]);

/** Bytes of a batch as PutLogEvents counts them. */
export function batchBytes(events: readonly CloudWatchEvent[]): number {
  return events.reduce((sum, { message }) => sum + Buffer.byteLength(message) + eventOverhead, 0);
}

/** Stores a batch, or refuses it as API_PutLogEvents says; tells what of it is not kept. */
export function putLogEvents(
  groups: ReadonlyMap<string, CloudWatchGroup>,
  input: Input,
  now: number,
): CloudWatchAnswer {
  const { group, stream } = streamOf(groups, input);
  const events = parseEvents(input.logEvents);
  const bytes = batchBytes(events);
  if (bytes > mostBytes) {
    throw invalid(`Upload too large: ${bytes} bytes exceeds limit of ${mostBytes}`);
  }
  const times = events.map(({ timestamp }) => timestamp);
  if (times.some((time, index) => time < (times[index - 1] ?? time))) {
    throw invalid("Log events in a single PutLogEvents request must be in chronological order.");
  }
  const tooOld = times.findIndex((time) => time >= now - 14 * day);
  const oldEnd = tooOld < 0 ? times.length : tooOld;
  const newStart = times.findIndex((time) => time > now + 2 * hour);
  const end = newStart < 0 ? times.length : newStart;
  const kept = (group.retentionDays ?? Number.POSITIVE_INFINITY) * day;
  const expired = times.findIndex((time) => time >= now - kept);
  const expiredEnd = expired < 0 ? times.length : expired;
  const valid = times.slice(oldEnd, end);
  if ((valid.at(-1) ?? 0) - (valid[0] ?? 0) > day) {
    throw invalid(
      "The batch of log events in a single PutLogEvents request cannot span more than 24 hours.",
    );
  }
  stream.push(...events.slice(Math.max(oldEnd, expiredEnd), end));
  const rejected = {
    ...(oldEnd > 0 && { tooOldLogEventEndIndex: oldEnd }),
    ...(expiredEnd > oldEnd && { expiredLogEventEndIndex: expiredEnd }),
    ...(newStart >= 0 && { tooNewLogEventStartIndex: newStart }),
  };
  return {
    nextSequenceToken: "49590302938472983472398472398472398",
    ...(Object.keys(rejected).length > 0 && { rejectedLogEventsInfo: rejected }),
    ...(hasBadEntity(input.entity) && {
      rejectedEntityInfo: { errorType: "InvalidKeyAttributes" },
    }),
  };
}

export function createLogGroup(
  groups: Map<string, CloudWatchGroup>,
  input: Input,
): CloudWatchAnswer {
  const name = nameOf(input.logGroupName, /^[.\-_/#A-Za-z0-9]{1,512}$/, "logGroupName");
  if (groups.has(name)) {
    throw new CloudWatchRefusal(
      "ResourceAlreadyExistsException",
      "The specified log group already exists",
    );
  }
  groups.set(name, { retentionDays: undefined, streams: new Map() });
  return {};
}

export function createLogStream(
  groups: ReadonlyMap<string, CloudWatchGroup>,
  input: Input,
): CloudWatchAnswer {
  const group = groupOf(groups, input);
  const name = nameOf(input.logStreamName, /^[^:*]{1,512}$/, "logStreamName");
  if (group.streams.has(name)) {
    throw new CloudWatchRefusal(
      "ResourceAlreadyExistsException",
      "The specified log stream already exists",
    );
  }
  group.streams.set(name, []);
  return {};
}

export function putRetentionPolicy(
  groups: ReadonlyMap<string, CloudWatchGroup>,
  input: Input,
): CloudWatchAnswer {
  const days = input.retentionInDays;
  if (typeof days !== "number" || !retentions.has(days)) throw invalid("Invalid retentionInDays");
  groupOf(groups, input).retentionDays = days;
  return {};
}

export function describeLogStreams(
  groups: ReadonlyMap<string, CloudWatchGroup>,
  input: Input,
): CloudWatchAnswer {
  const { streams } = groupOf(groups, input);
  const limit = typeof input.limit === "number" ? input.limit : 50;
  return {
    logStreams: [...streams.keys()].slice(0, limit).map((logStreamName) => ({ logStreamName })),
  };
}

function groupOf(groups: ReadonlyMap<string, CloudWatchGroup>, input: Input): CloudWatchGroup {
  const group = groups.get(String(input.logGroupName));
  if (group === undefined) {
    throw new CloudWatchRefusal(
      "ResourceNotFoundException",
      "The specified log group does not exist.",
    );
  }
  return group;
}

function streamOf(groups: ReadonlyMap<string, CloudWatchGroup>, input: Input) {
  const group = groupOf(groups, input);
  const stream = group.streams.get(String(input.logStreamName));
  if (stream === undefined) {
    throw new CloudWatchRefusal(
      "ResourceNotFoundException",
      "The specified log stream does not exist.",
    );
  }
  return { group, stream };
}

function parseEvents(given: unknown): readonly CloudWatchEvent[] {
  if (!Array.isArray(given) || given.length === 0)
    throw invalid("logEvents must have at least 1 member");
  if (given.length > mostEvents) {
    throw invalid(
      `logEvents has ${given.length} members; member must have length less than or equal to ${mostEvents}`,
    );
  }
  for (const event of given) {
    const { timestamp, message } = Object(event);
    if (!Number.isInteger(timestamp) || timestamp < 0) throw invalid("Invalid timestamp");
    if (typeof message !== "string" || message === "") {
      throw invalid("Log event message must have length greater than or equal to 1");
    }
  }
  // Checked just above.
  return given as CloudWatchEvent[];
}

function nameOf(given: unknown, pattern: RegExp, what: string): string {
  if (typeof given === "string" && pattern.test(given)) return given;
  throw invalid(`Value at '${what}' failed to satisfy constraint: ${pattern.source}`);
}

function hasBadEntity(entity: unknown): boolean {
  const attributes = Reflect.get(Object(entity), "keyAttributes");
  if (attributes === undefined) return false;
  const known = ["Type", "ResourceType", "Identifier", "Name", "Environment"];
  return Object.keys(Object(attributes)).some((key) => !known.includes(key));
}

function invalid(message: string): CloudWatchRefusal {
  return new CloudWatchRefusal("InvalidParameterException", message);
}
