import { messageOf } from "./errors.ts";
import { redactValue } from "./redact.ts";

/** Where Pipehooks talks; `pino` and `console` fit behind it with one line each. One that throws or rejects does no harm. */
export interface Logger {
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void;
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {} };

/** Warnings and errors to stderr, one line each; the default. */
export const stderrLogger: Logger = {
  debug() {},
  info() {},
  warn: (message, fields) => writeLine("warn", message, fields),
  error: (message, fields) => writeLine("error", message, fields),
};

function writeLine(
  level: string,
  message: string,
  fields?: Readonly<Record<string, unknown>>,
): void {
  const tail = fields === undefined ? "" : ` ${JSON.stringify(fields)}`;
  // The console takes what the stream cannot write as lost (a full disk), which unheard would end the process.
  console.error(`pipehooks ${level}: ${message}${tail}`);
}

/**
 * The same logger with every line passed through `redact` first, so that no secret gets out. It never throws: lines that
 * the logger fails to take go to stderr.
 */
export function redactingLogger(logger: Logger, redact: (text: string) => string): Logger {
  let hasFailed = false;
  const write = (
    level: keyof Logger,
    message: string,
    fields?: Readonly<Record<string, unknown>>,
  ) => {
    const line = redact(message);
    const rest = fields && (redactValue(fields, redact) as typeof fields);
    const instead = (error: unknown) => {
      if (!hasFailed) {
        const why = redact(messageOf(error));
        stderrLogger.error(`The logger failed: ${why}. What it does not take goes to stderr.`);
      }
      hasFailed = true;
      stderrLogger[level](line, rest);
    };
    try {
      const returned: unknown = logger[level](line, rest);
      // One that writes elsewhere may be an async function, which nobody waits for.
      if (returned instanceof Promise) returned.catch(instead);
    } catch (error) {
      instead(error);
    }
  };
  return {
    debug: (message, fields) => write("debug", message, fields),
    info: (message, fields) => write("info", message, fields),
    warn: (message, fields) => write("warn", message, fields),
    error: (message, fields) => write("error", message, fields),
  };
}
