import { randomUUID } from "node:crypto";
import type { JsonObject, JsonValue } from "@pipehooks/core";

/** How a run can be: what Hex says of it. */
export type HexStatus =
  | "PENDING"
  | "RUNNING"
  | "COMPLETED"
  | "ERRORED"
  | "KILLED"
  | "UNABLE_TO_ALLOCATE_KERNEL";

export interface HexProject {
  /** @default a new UUID */
  readonly id?: string | undefined;
  readonly title: string;
  readonly type?: "PROJECT" | "COMPONENT" | undefined;
  /** Inputs of the published app by their variable's name. @default none */
  readonly inputs?: Readonly<Record<string, HexInput>> | undefined;
  /** Ids of saved views. @default none */
  readonly views?: readonly string[] | undefined;
  /** Null: never published, so it cannot be run. @default "2026-01-01T00:00:00.000Z" */
  readonly lastPublishedAt?: string | null | undefined;
  /** When the app's cached results were refreshed last. @default null */
  readonly publishedResultsUpdatedAt?: string | null | undefined;
  /** Whether the token may refresh the published results. @default true */
  readonly canEdit?: boolean | undefined;
  readonly archivedAt?: string | null | undefined;
  readonly trashedAt?: string | null | undefined;
  /** Tables that its SQL reads, for `queriedTables`. */
  readonly tables?: readonly string[] | undefined;
}

export interface HexInput {
  readonly dataType: "string" | "number" | "boolean" | "array";
  /** Such as `slider` or `text_input`. */
  readonly cellType: string;
}

/** What becomes of a run. */
export interface HexCourse {
  /** How long it is PENDING. @default 2_000 */
  readonly pendingMs?: number | undefined;
  /** How long it is RUNNING after that. @default 30_000 */
  readonly runMs?: number | undefined;
  /** @default "COMPLETED" */
  readonly end?: Exclude<HexStatus, "PENDING" | "RUNNING"> | undefined;
}

/** A run as the receiver keeps it. */
export interface HexRun {
  readonly projectId: string;
  readonly runId: string;
  readonly trigger: "API" | "SCHEDULED" | "APP_REFRESH";
  /** What was posted. */
  readonly body: JsonObject;
  /** Of whose token it takes a kernel. */
  readonly user: string;
  readonly createdAt: number;
  readonly startsAt: number;
  /** As planned, or when it was killed. */
  readonly endsAt: number;
  readonly end: Exclude<HexStatus, "PENDING" | "RUNNING">;
}

/** With every default filled in. */
export type Filled<Given> = { readonly [Key in keyof Given]-?: Exclude<Given[Key], undefined> };

export interface StoredProject extends Filled<HexProject> {
  readonly createdAt: string;
  readonly owner: string;
}

/** Projects and runs, and how they stand at a time. */
export interface HexWorkspace {
  readonly projects: readonly StoredProject[];
  readonly runs: readonly HexRun[];
  project(id: string): StoredProject | undefined;
  start(start: Pick<HexRun, "projectId" | "trigger" | "body" | "user">, now: number): HexRun;
  /** Ends it now; false where it has ended. */
  kill(runId: string, now: number, end?: HexRun["end"]): boolean;
  /** Kernels that one user's runs hold. */
  kernels(user: string, now: number): number;
  refreshedAt(project: StoredProject, now: number): string | null;
}

export function createHexWorkspace(options: {
  readonly projects: readonly HexProject[];
  readonly course: (run: HexRun, index: number) => HexCourse;
  readonly now: number;
}): HexWorkspace {
  const projects = options.projects.map((project, index) => toStored(project, index, options.now));
  const runs: HexRun[] = [];
  return {
    projects,
    runs,
    project: (id) => projects.find((project) => project.id === id),
    start(start, now) {
      const begun: HexRun = {
        ...start,
        runId: randomUUID(),
        createdAt: now,
        startsAt: now,
        endsAt: now,
        end: "COMPLETED",
      };
      const { pendingMs = 2_000, runMs = 30_000, end } = options.course(begun, runs.length);
      const startsAt = now + pendingMs;
      const ending = end ?? "COMPLETED";
      // Without a kernel nothing ever runs.
      const endsAt = ending === "UNABLE_TO_ALLOCATE_KERNEL" ? startsAt : startsAt + runMs;
      const run = { ...begun, startsAt, endsAt, end: ending };
      runs.push(run);
      return run;
    },
    kill(runId, now, end = "KILLED") {
      const index = runs.findIndex((run) => run.runId === runId);
      const run = runs[index];
      if (run === undefined || run.endsAt <= now) return false;
      runs[index] = { ...run, endsAt: now, end };
      return true;
    },
    kernels: (user, now) =>
      runs.filter((run) => run.user === user && run.createdAt <= now && now < run.endsAt).length,
    refreshedAt(project, now) {
      const refreshed = runs.findLast(
        ({ projectId, body, end, endsAt }) =>
          projectId === project.id &&
          body.updatePublishedResults === true &&
          end === "COMPLETED" &&
          endsAt <= now,
      );
      return refreshed === undefined
        ? project.publishedResultsUpdatedAt
        : new Date(refreshed.endsAt).toISOString();
    },
  };
}

export function statusOf({ startsAt, endsAt, end }: HexRun, now: number): HexStatus {
  if (now >= endsAt) return end;
  return now >= startsAt ? "RUNNING" : "PENDING";
}

export interface WrongInputs {
  readonly invalid: readonly JsonObject[];
  readonly notFound: readonly string[];
}

/** What a project says of input values, or undefined where they are right. */
export function wrongInputs(
  { inputs }: StoredProject,
  given: Readonly<Record<string, JsonValue>>,
): WrongInputs | undefined {
  const invalid: JsonObject[] = [];
  const notFound: string[] = [];
  for (const [name, value] of Object.entries(given)) {
    const input = Object.hasOwn(inputs, name) ? inputs[name] : undefined;
    if (input === undefined) notFound.push(name);
    else if (typeOf(value) !== input.dataType) {
      const { dataType, cellType } = input;
      const paramValue = JSON.stringify(value);
      invalid.push({ paramName: name, paramValue, dataType, inputCellType: cellType });
    }
  }
  return invalid.length + notFound.length === 0 ? undefined : { invalid, notFound };
}

function typeOf(value: JsonValue): string {
  return Array.isArray(value) ? "array" : typeof value;
}

function toStored(project: HexProject, index: number, now: number): StoredProject {
  return {
    id: project.id ?? randomUUID(),
    title: project.title,
    type: project.type ?? "PROJECT",
    inputs: project.inputs ?? {},
    views: project.views ?? [],
    lastPublishedAt:
      project.lastPublishedAt === undefined ? "2026-01-01T00:00:00.000Z" : project.lastPublishedAt,
    publishedResultsUpdatedAt: project.publishedResultsUpdatedAt ?? null,
    canEdit: project.canEdit ?? true,
    archivedAt: project.archivedAt ?? null,
    trashedAt: project.trashedAt ?? null,
    tables: project.tables ?? [],
    createdAt: new Date(now - 86_400_000 + index * 1000).toISOString(),
    owner: "ada@example.com",
  };
}
