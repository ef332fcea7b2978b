import { cloudLoggingKeys, toCloudLoggingOptions } from "./plumber-cloud-logging.ts";
import { databricksKeys, databricksTemplates, toDatabricksOptions } from "./plumber-databricks.ts";
import { emailKeys, toEmailOptions } from "./plumber-email.ts";
import { toWebhookOptions, webhookKeys } from "./plumber-webhook.ts";
import type { Problems } from "./problem.ts";
import type { MapTree } from "./tree.ts";

/** A kind of the lakehouse-plumber form. */
export interface PlumberKind {
  /** What it is called today. */
  readonly name: string;
  /** Its keys besides those that every kind has. */
  readonly keys: readonly string[];
  /** Options of today that are templates. */
  readonly templates: readonly string[];
  /** What those are called here. */
  readonly templateKeys: readonly string[];
  /** Options of today that mean the same. */
  toOptions(block: MapTree, problems: Problems, path: string): MapTree;
}

/** By the key of their block. */
export const plumberKinds: ReadonlyMap<string, PlumberKind> = new Map([
  [
    "webhook",
    {
      name: "webhook",
      keys: webhookKeys,
      templates: ["payload"],
      templateKeys: ["payload_template"],
      toOptions: toWebhookOptions,
    },
  ],
  [
    "databricks_jobs",
    {
      name: "databricks-job",
      keys: databricksKeys,
      templates: databricksTemplates,
      templateKeys: ["job_mappings.*.parameters"],
      toOptions: toDatabricksOptions,
    },
  ],
  [
    "email",
    {
      name: "email",
      keys: emailKeys,
      templates: ["to", "cc", "bcc", "reply_to", "subject", "text", "html"],
      templateKeys: ["subject_template", "body_template", "to_addresses", "cc_addresses"],
      toOptions: toEmailOptions,
    },
  ],
  [
    "cloud_logging",
    {
      name: "cloud-logging",
      keys: cloudLoggingKeys,
      templates: ["record", "gcp.labels"],
      templateKeys: ["record", "gcp.labels"],
      toOptions: toCloudLoggingOptions,
    },
  ],
]);
