import { type ErrorCode, HookError } from "@pipehooks/core";
import { maskLine } from "./mask.ts";

/** One thing that is wrong (or doubtful) in a configuration file. */
export interface Problem {
  /** Absolute path of the file. */
  readonly file: string;
  /** From 1; absent where only the path is known (TypeScript configuration). */
  readonly line?: number | undefined;
  /** From 1, in UTF-16 units. */
  readonly column?: number | undefined;
  /** Where in the configuration, such as `hooks[0].retry.attempts`; empty for the file as a whole. */
  readonly path: string;
  /** What happened and what to do. */
  readonly message: string;
  /** The text that was probably meant. */
  readonly suggestion?: string | undefined;
  /** What the key is for, where its value is of a wrong type. */
  readonly help?: string | undefined;
  /** The line of the file, literal secrets masked. */
  readonly sourceLine?: string | undefined;
  /** What kind of problem it is, for programs. */
  readonly code: ErrorCode;
}

const longestLine = 240;

/** `file:line:column: message`, the source line, a caret, the suggestion, and what the key is for. */
export function formatProblem(problem: Problem): string {
  const { file, line, column, path, message, suggestion, help, sourceLine } = problem;
  const place =
    line === undefined ? [file, path].filter(Boolean).join(": ") : `${file}:${line}:${column}`;
  const lines = [`${place}: ${message}`];
  if (sourceLine !== undefined && line !== undefined && column !== undefined) {
    const gutter = `  ${line} | `;
    const { text, index } = excerpt(sourceLine, column - 1);
    // Tabs are kept, so that the caret stands under its column whatever their width.
    const before = text.slice(0, index).replaceAll(/[^\t]/g, " ");
    lines.push(`${gutter}${text}`, `${" ".repeat(gutter.length - 2)}| ${before}^`);
  }
  if (suggestion !== undefined) lines.push(`  Did you mean ${suggestion}?`);
  if (help !== undefined) lines.push(`  ${help}`);
  return lines.join("\n");
}

// Of JSON in one line only what is around the index.
function excerpt(line: string, index: number): { readonly text: string; readonly index: number } {
  if (line.length <= longestLine) return { text: line, index };
  const from = Math.max(0, Math.min(index - longestLine / 2, line.length - longestLine));
  const end = from + longestLine;
  const [before, after] = [from > 0 ? "…" : "", end < line.length ? "…" : ""];
  return { text: before + line.slice(from, end) + after, index: index - from + before.length };
}

/** Everything that is wrong with a configuration file, all at once; its code is CONFIG_INVALID. */
export class ConfigError extends HookError {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super("CONFIG_INVALID", problems.map(formatProblem).join("\n"));
    this.problems = problems;
  }

  /** The text for a terminal: one block a problem, then how many there are. */
  format(): string {
    const count = this.problems.length;
    const total = count === 1 ? "1 problem" : `${count} problems`;
    return `${this.problems.map(formatProblem).join("\n\n")}\n\n${total}; nothing was started.`;
  }
}

/** Narrows to a {@link ConfigError}, also one made by another copy of this package. */
export function isConfigError(value: unknown): value is ConfigError {
  return (
    value instanceof Error &&
    Reflect.get(value, "code") === "CONFIG_INVALID" &&
    Array.isArray(Reflect.get(value, "problems"))
  );
}

/** What a check reports; the collector adds file, line and source. */
export interface Finding {
  /** Offset in the text. */
  readonly at: number;
  readonly path: string;
  readonly message: string;
  readonly suggestion?: string | undefined;
  readonly help?: string | undefined;
  readonly code?: ErrorCode | undefined;
  /** It says that something is not there: not to be believed of a file that could not be read to its end. */
  readonly absence?: boolean | undefined;
  /** It says that the text is no YAML. */
  readonly syntax?: boolean | undefined;
}

/** Collects what is wrong with one file. */
export class Problems {
  readonly file: string;
  private readonly text: string;
  private readonly lineStarts: readonly number[];
  private readonly findings: Finding[] = [];
  private readonly doubts: Finding[] = [];

  constructor(file: string, text: string) {
    this.file = file;
    this.text = text;
    this.lineStarts = lineStartsOf(text);
  }

  add(finding: Finding): void {
    this.findings.push(finding);
  }

  warn(finding: Finding): void {
    this.doubts.push(finding);
  }

  lineOf(offset: number): number {
    return positionOf(this.lineStarts, offset).line;
  }

  /** In the order of the file, each once. `brokenAt`: from there on the file could not be read. */
  errors(redact: (text: string) => string, brokenAt: number | undefined): readonly Problem[] {
    const believed =
      brokenAt === undefined
        ? this.findings
        : this.findings.filter(({ at, absence, syntax }) => {
            const isBefore = this.lineOf(at) < this.lineOf(brokenAt);
            return syntax === true || (isBefore && absence !== true);
          });
    return this.toProblems(believed, redact);
  }

  warnings(redact: (text: string) => string): readonly Problem[] {
    return this.toProblems(this.doubts, redact);
  }

  private toProblems(
    findings: readonly Finding[],
    redact: (text: string) => string,
  ): readonly Problem[] {
    const seen = new Set<string>();
    return findings
      .toSorted((a, b) => a.at - b.at)
      .map((finding) => this.toProblem(finding, redact))
      .filter((problem) => {
        const key = `${problem.line}:${problem.column}:${problem.message}`;
        return !seen.has(key) && seen.add(key);
      });
  }

  private toProblem(finding: Finding, redact: (text: string) => string): Problem {
    const { line, column } = positionOf(this.lineStarts, finding.at);
    const start = this.lineStarts[line - 1] as number;
    const end = this.lineStarts[line] ?? this.text.length;
    // What is missing has no line of its own.
    const path = finding.absence === true ? "" : finding.path;
    return {
      file: this.file,
      line,
      column,
      path: finding.path,
      message: redact(finding.message),
      suggestion: finding.suggestion,
      help: finding.help,
      sourceLine: maskLine(this.text.slice(start, end).replace(/\r?\n$/, ""), path),
      code: finding.code ?? "CONFIG_INVALID",
    };
  }
}

function lineStartsOf(text: string): readonly number[] {
  const starts = [0];
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  return starts;
}

function positionOf(
  lineStarts: readonly number[],
  offset: number,
): { line: number; column: number } {
  let line = lineStarts.findLastIndex((start) => start <= offset);
  if (line < 0) line = 0;
  return { line: line + 1, column: offset - (lineStarts[line] as number) + 1 };
}
