import picocolors from "picocolors";

export type Colors = ReturnType<typeof picocolors.createColors>;

export interface OutputOptions {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
  readonly color: boolean;
}

/** Data goes to stdout, talk to stderr; whatever is written has its secrets taken out first. */
export interface Output extends OutputOptions {
  /** For stdout, on when it is a terminal. */
  readonly colors: Colors;
  /** For stderr. */
  readonly talkColors: Colors;
  /** COLUMNS, else the columns of the terminal behind stdout; undefined when it is none. */
  readonly width: number | undefined;
  /** Whether a person watches stderr. */
  readonly watched: boolean;
  /** Writes lines of data. */
  data(...lines: readonly string[]): void;
  /** Writes one value as one line of JSON. */
  object(value: unknown): void;
  /** Writes one value as JSON over several lines, for people. */
  block(value: unknown): void;
  /** Writes a line of talk; nothing with `--quiet`. */
  say(line: string): void;
  warn(text: string): void;
  error(text: string): void;
  /** Only with `--verbose`. */
  detail(line: string): void;
  /** A line that is written over by the next one; only where a person watches. */
  status(line: string): void;
  /** From now on these secrets are taken out. */
  protect(redact: (text: string) => string): void;
  redact(text: string): string;
  /** Resolves when stdout takes more. */
  ready(): Promise<void>;
  /** Aborts when nobody reads stdout any more (`| head`). */
  readonly gone: AbortSignal;
}

export interface Streams {
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  readonly env: NodeJS.ProcessEnv;
}

const clearLine = "\r\u001b[2K";

export function createOutput(options: OutputOptions, { stdout, stderr, env }: Streams): Output {
  const { json, quiet, verbose, color } = options;
  const colors = picocolors.createColors(color && wantsColor(stdout, env));
  const talkColors = picocolors.createColors(color && wantsColor(stderr, env));
  const watched = stderr.isTTY === true && !quiet && env.TERM !== "dumb";
  let redact = (text: string) => text;
  let redactsNothing = true;
  let status = "";
  const gone = new AbortController();
  stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") gone.abort();
  });

  const write = (stream: NodeJS.WriteStream, text: string) => {
    // The status line makes room for whatever else is shown in the same terminal.
    if (status !== "") stderr.write(clearLine);
    stream.write(text);
    if (status !== "") stderr.write(status);
  };
  const talk = (line: string) => write(stderr, `${redact(line)}\n`);
  // Texts are redacted one by one: a secret such as 1234 must not turn a number into no JSON.
  const clean = (_key: string, item: unknown): unknown => {
    if (typeof item === "string") return redact(item);
    return isRecord(item) ? withKeys(item, redact) : item;
  };
  const toJson = (value: unknown, indent?: number) =>
    `${JSON.stringify(value, redactsNothing ? undefined : clean, indent)}\n`;

  return {
    json,
    quiet,
    verbose,
    color,
    colors,
    talkColors,
    watched,
    width: toWidth(env.COLUMNS) ?? (stdout.isTTY ? stdout.columns || undefined : undefined),
    data(...lines) {
      if (lines.length > 0) write(stdout, lines.map((line) => `${redact(line)}\n`).join(""));
    },
    object(value) {
      write(stdout, toJson(value));
    },
    block(value) {
      write(stdout, toJson(value, 2));
    },
    say(line) {
      if (!quiet) talk(line);
    },
    warn(text) {
      if (!quiet) talk(`${talkColors.yellow("warning:")} ${text}`);
    },
    error(text) {
      talk(`${talkColors.red("error:")} ${text}`);
    },
    detail(line) {
      if (verbose) talk(talkColors.dim(line));
    },
    status(line) {
      if (!watched) return;
      const shown = redact(line).slice(0, Math.max(10, (stderr.columns || 80) - 1));
      const next = shown === "" ? "" : talkColors.dim(shown);
      if (next === status) return;
      stderr.write(clearLine + next);
      status = next;
    },
    protect(next) {
      redact = next;
      redactsNothing = false;
    },
    redact: (text) => redact(text),
    async ready() {
      if (!stdout.writableNeedDrain || stdout.destroyed) return;
      await new Promise<void>((resolve) => {
        stdout.once("drain", resolve);
        stdout.once("close", resolve);
      });
    },
    gone: gone.signal,
  };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function withKeys(
  record: Record<string, unknown>,
  change: (key: string) => string,
): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).map(([key, item]) => [change(key), item]));
}

// https://no-color.org and https://force-color.org
function wantsColor(stream: NodeJS.WriteStream, env: NodeJS.ProcessEnv): boolean {
  if (env.NO_COLOR !== undefined && env.NO_COLOR !== "") return false;
  const forced = env.FORCE_COLOR;
  if (forced !== undefined && forced !== "") return forced !== "0" && forced !== "false";
  return stream.isTTY === true && env.TERM !== "dumb";
}

function toWidth(text: string | undefined): number | undefined {
  const width = Number(text);
  return Number.isInteger(width) && width > 0 ? width : undefined;
}
