import { defineEvents } from "@pipehooks/core";
import { z } from "zod";

/** Types of our own: `emit` knows them by name, and a wrong field is a compile error and refused at run time. */
export const events = defineEvents({
  "data.quality_check": z.object({
    rule: z.string(),
    checked_rows: z.int().nonnegative(),
    failed_rows: z.int().nonnegative(),
  }),
  "schema.evolution": z.object({
    added: z.array(z.string()),
    removed: z.array(z.string()),
  }),
});
