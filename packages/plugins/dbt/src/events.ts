import type { Plugin } from "@pipehooks/core";
import { z } from "zod";

const results = z.looseObject({
  total: z.int().nonnegative(),
  /** Nodes by status. */
  statuses: z.record(z.string(), z.number()),
  seconds: z.number(),
  failures: z.array(z.looseObject({ unique_id: z.string(), status: z.string() })),
  nodes: z.array(z.looseObject({ unique_id: z.string(), status: z.string() })),
  /** Nodes that did not fit. */
  omitted: z.int().nonnegative(),
});

const freshness = z.looseObject({
  total: z.int().nonnegative(),
  statuses: z.record(z.string(), z.number()),
  stale: z.array(z.looseObject({ unique_id: z.string(), status: z.string() })),
});

/** Metadata of `dbt.run.*`: what every run has, and what its files said. */
const outcome = z.looseObject({
  run_id: z.string(),
  url: z.string().optional(),
  label: z.string().optional(),
  message: z.string().optional(),
  duration_ms: z.number().optional(),
  hook: z.string().optional(),
  /** The last event that it was for; all of them are in `events`. */
  event: z.string().optional(),
  events: z.array(z.string()).optional(),
  job_id: z.string().optional(),
  results: results.optional(),
  freshness: freshness.optional(),
});

/** The event types that the hooks of this package emit. */
export const dbtEvents: NonNullable<Plugin["events"]> = {
  "dbt.run.completed": outcome,
  "dbt.run.failed": outcome,
  "dbt.run.cancelled": outcome,
};
