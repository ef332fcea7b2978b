import { z } from "zod";

// What is read of Hex's answers ("Hex API" 1.0.0); everything else may come and go.

const text = z.string().nullish();
const time = z
  .string()
  .nullish()
  .transform((value) => (value == null || Number.isNaN(Date.parse(value)) ? null : value));

export const startedAnswer = z.object({
  projectId: text,
  runId: z.string().min(1),
  runUrl: text,
  traceId: text,
  projectVersion: z.number().nullish(),
});

export const runAnswer = z.object({
  runId: z.string().min(1),
  runUrl: text,
  status: z.string(),
  runTrigger: text,
  startTime: time,
  endTime: time,
  elapsedTime: z.number().nullish(),
  projectVersion: z.number().nullish(),
  traceId: text,
  stateEvents: z.array(z.object({ timestamp: time })).nullish(),
});

export const runsAnswer = z.object({ runs: z.array(runAnswer), nextPage: z.unknown() });

export const projectAnswer = z.object({
  id: z.string().min(1),
  title: z.string(),
  type: text,
  owner: z.object({ email: text }).nullish(),
  lastPublishedAt: time,
  archivedAt: text,
  trashedAt: text,
  analytics: z.object({ publishedResultsUpdatedAt: time }).nullish(),
});

export const projectsAnswer = z.object({
  values: z.array(projectAnswer),
  pagination: z.object({ after: text }).nullish(),
});

export const tablesAnswer = z.object({
  values: z.array(z.object({ dataConnectionName: text, tableName: z.string() })),
  pagination: z.object({ after: text }).nullish(),
});

export const meAnswer = z.object({
  email: text,
  org: z.object({ id: text }).nullish(),
  token: z.object({ exp: z.number().nullish() }).nullish(),
});
