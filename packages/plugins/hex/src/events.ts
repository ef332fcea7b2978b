import { z } from "zod";

/** What `hex.run.*` tells in its metadata. */
const metadata = z.looseObject({
  run_id: z.string().optional(),
  url: z.string().optional(),
  label: z.string().optional(),
  message: z.string().optional(),
  duration_ms: z.number().optional(),
  hook: z.string().optional(),
  event: z.string().optional(),
  events: z.array(z.string()).optional(),
  started_again: z.number().optional(),
  project_id: z.string().optional(),
  project_version: z.number().optional(),
  status: z.string().optional(),
  start_time: z.string().optional(),
  end_time: z.string().optional(),
  elapsed_ms: z.number().optional(),
  trace_id: z.string().optional(),
  published_results_updated_at: z.string().optional(),
});

/** Types of the events that say how a run ended. */
export const hexEvents: Readonly<
  Record<"hex.run.completed" | "hex.run.failed" | "hex.run.cancelled", typeof metadata>
> = {
  "hex.run.completed": metadata,
  "hex.run.failed": metadata,
  "hex.run.cancelled": metadata,
};
