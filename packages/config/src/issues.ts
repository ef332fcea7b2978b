import { type ErrorCode, nearest, withoutStop } from "@pipehooks/core";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { toSnake } from "./casing.ts";
import type { Problems } from "./problem.ts";
import { type Shape, shapeOf } from "./shape.ts";
import { locate, type Spot, type Tree } from "./tree.ts";

/** What is asked of {@link reportIssues}. */
export interface IssueContext {
  /** The part of the file that was validated. */
  readonly tree: Tree;
  /** Its path in the file. */
  readonly path: string;
  /** Where to point when something at its top is missing. */
  readonly at?: number | undefined;
  readonly problems: Problems;
  readonly broken: ReadonlySet<Tree>;
  readonly code?: ErrorCode | undefined;
  /** Whether a value may be shown: option values may be secrets. */
  readonly showValues: boolean;
  /** Tells regular expressions, for suggestions. */
  readonly shape?: Shape | undefined;
}

/** An issue of any validator; zod's say more than the standard asks. */
export interface Issue {
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly code?: string;
  readonly expected?: string;
  readonly format?: string;
  readonly values?: readonly unknown[];
  readonly minimum?: number | bigint;
  readonly maximum?: number | bigint;
  readonly origin?: string;
  readonly keys?: readonly string[];
  readonly errors?: readonly (readonly Issue[])[];
}

/** Turns what a validator says into problems with a place, in our words where the issue is one of zod's. */
export function reportIssues(
  issues: readonly StandardSchemaV1.Issue[],
  context: IssueContext,
): void {
  for (const raw of issues) {
    for (const issue of unfold(toIssue(raw))) reportIssue(issue, context);
  }
}

/** What a schema of zod says, of a union the branch that was probably meant. */
export function sharpIssues(issues: readonly StandardSchemaV1.Issue[]): readonly Issue[] {
  return issues.flatMap((raw) => unfold(toIssue(raw))).map(withoutUnion);
}

// Of a union zod's own message says nothing.
function withoutUnion(issue: Issue): Issue {
  const isUnion = issue.code === "invalid_type" && issue.message === "Invalid input";
  return isUnion ? { ...issue, message: `It must be ${expectation(issue)}` } : issue;
}

/** The keys that a schema takes at a path, as they are named in code. */
export function knownKeys(
  schema: StandardSchemaV1,
  path: readonly PropertyKey[],
): readonly string[] {
  const shape = shapeAt(shapeOf(schema), path);
  return (shape?.keys ?? []).map((key) => shape?.property(key)?.name ?? key);
}

function reportIssue(issue: Issue, context: IssueContext): void {
  const spot = locate(context.tree, issue.path, context.path, context.at);
  if (context.broken.has(spot.tree)) return;
  if (issue.code === "unrecognized_keys") {
    for (const key of issue.keys ?? []) reportKey(key, issue, context);
    return;
  }
  if (isOwnCheck(issue) && spot.found && holdsAny(spot.tree, context.broken)) return;
  const value = spot.found && spot.tree.type === "scalar" ? spot.tree.value : undefined;
  const shown = context.showValues ? value : undefined;
  context.problems.add({
    at: spot.at,
    path: spot.path,
    message: describe(issue, spot, shown, context),
    suggestion: suggest(issue, spot, value, context),
    help: helpFor(issue, spot, context),
    code: context.code,
    absence: !spot.found,
  });
}

// What a check of its own says of a value may come from what is broken in it; of the whole it says how parts agree.
function isOwnCheck({ code, path }: Issue): boolean {
  return (code === undefined || code === "custom") && path.length > 0;
}

function holdsAny(tree: Tree, wanted: ReadonlySet<Tree>): boolean {
  if (wanted.has(tree)) return true;
  if (tree.type === "list") return tree.items.some((item) => holdsAny(item, wanted));
  if (tree.type !== "map") return false;
  return [...tree.entries.values()].some(({ value }) => holdsAny(value, wanted));
}

function reportKey(key: string, issue: Issue, context: IssueContext): void {
  const spot = locate(context.tree, [...issue.path, key], context.path, context.at);
  context.problems.add({
    at: spot.at,
    path: spot.path,
    message: `There is no key "${spot.name}" here.`,
    code: context.code,
  });
}

function describe(issue: Issue, spot: Spot, shown: unknown, context: IssueContext): string {
  const name = spot.name === "" ? "The value" : `"${spot.name}"`;
  const isDuration = takesDuration(issue, context);
  const expected = isDuration ? 'a duration such as "30s"' : expectation(issue);
  if (!spot.found && issue.code !== "custom") {
    const missing = `${name} is missing${context.path === "" ? "" : ` in ${parentOf(spot)}`}.`;
    return issue.code === "invalid_type" ? `${missing} It must be ${expected}.` : missing;
  }
  const got = spot.found ? `, not ${typeText(spot.tree, shown)}` : "";
  switch (issue.code) {
    case "invalid_type":
      return `${name} must be ${expected}${got}.`;
    case "invalid_value":
      return `${name} must be ${listText(issue.values ?? [])}${shown === undefined ? "" : got}.`;
    case "too_small":
      return `${name} must ${boundText(issue, "at least", issue.minimum)}${shown === undefined ? "" : got}.`;
    case "too_big":
      return `${name} must ${boundText(issue, "at most", issue.maximum)}${shown === undefined ? "" : got}.`;
    case "invalid_format":
      return `${name}: ${decapitalise(issue.message)}${shown === undefined ? "" : got}.`;
    default:
      return `${name}${predicate.test(issue.message) ? "" : ":"} ${inSnakeCase(issue.message)}.`;
  }
}

// A plugin names its options as in code; in a file they are written otherwise.
function inSnakeCase(message: string): string {
  return withoutStop(message).replaceAll(/"[a-z]+(?:[A-Z]\w*)"/g, toSnake);
}

// Some validators say what is wrong with the value ("is plain http"), others what happened ("Invalid URL").
const predicate =
  /^(?:is|has|have|must|needs|stands|does|do|cannot|may|was|belongs|takes|begins|ends|names)\b/;

function takesDuration({ path }: Issue, { shape }: IssueContext): boolean {
  const patterns = shapeAt(shape, path)?.patterns ?? [];
  return patterns.some((pattern) => pattern.endsWith("(ms|s|m|h|d)$") && !pattern.includes("/"));
}

function suggest(
  issue: Issue,
  spot: Spot,
  value: unknown,
  context: IssueContext,
): string | undefined {
  if (issue.code === "invalid_value" && typeof value === "string") {
    return nearest(value, (issue.values ?? []).map(String));
  }
  if (issue.code === "invalid_value" && issue.values?.length === 1 && spot.found) {
    return String(issue.values[0]);
  }
  if (!context.showValues) return undefined;
  if (issue.code === "invalid_type" && issue.expected === "array" && typeof value === "string") {
    return listOf(value);
  }
  // `timeout: 30` and `timeout: 30 seconds` are the two ways a duration goes wrong.
  if (!takesDuration(issue, context)) return undefined;
  if (typeof value === "number") return `${value}s`;
  if (typeof value === "string") {
    const [, amount, unit] = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)[a-z]*$/i.exec(value) ?? [];
    const meant = amount && unit && `${amount}${unit.toLowerCase()}`;
    return meant === value ? undefined : meant;
  }
  return undefined;
}

// Commas between braces belong to a glob.
function listOf(text: string): string {
  const items = text.split(/,(?![^{]*\})/).map((item) => JSON.stringify(item.trim()));
  return `[${items.join(", ")}]`;
}

// What is of a wrong type was taken for something else: what it is for, and which keys it has.
function helpFor(issue: Issue, spot: Spot, { shape }: IssueContext): string | undefined {
  if (issue.code !== "invalid_type") return undefined;
  const { description, keys = [] } = shapeAt(shape, issue.path) ?? {};
  const parts = [
    ...(description === undefined ? [] : [`${withoutStop(description)}.`]),
    ...(keys.length === 0 ? [] : [`Keys: ${keys.join(", ")}.`]),
  ];
  return parts.length === 0 ? undefined : `${spot.name}: ${parts.join(" ")}`;
}

function shapeAt(shape: Shape | undefined, steps: readonly PropertyKey[]): Shape | undefined {
  let at = shape;
  for (const step of steps) {
    if (at === undefined) return undefined;
    if (typeof step === "number") {
      at = at.item(step);
      continue;
    }
    const before: Shape = at;
    const key = before.keys.find((known) => before.property(known)?.name === step);
    at = key === undefined ? before.other : before.property(key)?.shape;
  }
  return at;
}

// Of a union the branch that came furthest is the one that was meant.
function unfold(issue: Issue): readonly Issue[] {
  if (issue.code !== "invalid_union" || issue.errors === undefined || issue.errors.length === 0) {
    return [issue];
  }
  const branches = issue.errors.map((branch) =>
    branch.flatMap((inner) => unfold({ ...inner, path: [...issue.path, ...inner.path] })),
  );
  const types = branches.map(([first]) => first);
  if (
    types.every((type) => type?.code === "invalid_type" && type.path.length === issue.path.length)
  ) {
    const expected = [...new Set(types.map((type) => expectation(type as Issue)))].join(" or ");
    return [{ path: issue.path, message: issue.message, code: "invalid_type", expected }];
  }
  const depth = (branch: readonly Issue[]) => Math.max(0, ...branch.map(({ path }) => path.length));
  return branches.toSorted((a, b) => depth(b) - depth(a) || a.length - b.length)[0] ?? [issue];
}

function toIssue(raw: StandardSchemaV1.Issue): Issue {
  const path = (raw.path ?? []).map((step) => (typeof step === "object" ? step.key : step));
  return { ...raw, path };
}

const typeNames: Readonly<Record<string, string>> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "keys and values",
  record: "keys and values",
  null: "null",
};

function expectation({ expected = "another value" }: Issue): string {
  return typeNames[expected] ?? expected;
}

function typeText(tree: Tree, shown: unknown): string {
  if (tree.type === "list") return "a list";
  if (tree.type === "map") return "keys and values";
  if (tree.value === null) return "null";
  const type = { string: "text", number: "the number", boolean: "" }[typeof tree.value as "string"];
  if (shown !== undefined)
    return [type === "text" ? "" : type, JSON.stringify(shown)].join(" ").trim();
  return { string: "text", number: "a number", boolean: "true or false" }[
    typeof tree.value as "string"
  ];
}

function boundText(issue: Issue, bound: string, limit: number | bigint | undefined): string {
  if (issue.origin === "string") {
    return bound === "at least" && Number(limit) === 1
      ? "not be empty"
      : `have ${bound} ${limit} characters`;
  }
  if (issue.origin === "array" || issue.origin === "set") {
    return `have ${bound} ${limit} ${Number(limit) === 1 ? "entry" : "entries"}`;
  }
  return `be ${bound} ${limit}`;
}

function listText(values: readonly unknown[]): string {
  const texts = values.map((value) => (typeof value === "string" ? value : JSON.stringify(value)));
  return texts.length < 2
    ? String(texts[0])
    : `${texts.slice(0, -1).join(", ")} or ${texts.at(-1)}`;
}

function parentOf({ path }: Spot): string {
  return path.replace(/(?:\.[\w-]+|\[\d+\])$/, "");
}

function decapitalise(text: string): string {
  return text.charAt(0).toLowerCase() + withoutStop(text.slice(1));
}
