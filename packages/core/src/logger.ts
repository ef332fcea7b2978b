import { redactValue } from "./redact.ts";

/** Where Pipehooks talks; `pino` and `console` fit behind it with one line each. */
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
  process.stderr.write(`pipehooks ${level}: ${message}${tail}\n`);
}

/** The same logger with every line passed through `redact` first, so that no secret gets out. */
export function redactingLogger(logger: Logger, redact: (text: string) => string): Logger {
  const clean = (fields?: Readonly<Record<string, unknown>>) =>
    fields === undefined ? undefined : (redactValue(fields, redact) as typeof fields);
  return {
    debug: (message, fields) => logger.debug(redact(message), clean(fields)),
    info: (message, fields) => logger.info(redact(message), clean(fields)),
    warn: (message, fields) => logger.warn(redact(message), clean(fields)),
    error: (message, fields) => logger.error(redact(message), clean(fields)),
  };
}
