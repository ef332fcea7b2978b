import { z } from "zod";
import { isLoopback } from "./smtp-options.ts";

/** Amazon SES, by its API (version 2). */
export interface SesOptions {
  /** @default as the AWS client finds it (`AWS_REGION`, profile) */
  readonly region?: string | undefined;
  /** @default as the AWS client finds them: environment, profile, role of the machine or the container */
  readonly credentials?: SesCredentials | undefined;
  /** Name of a configuration set. */
  readonly configurationSet?: string | undefined;
  /** Tags of each mail, for the events of SES. */
  readonly tags?: Readonly<Record<string, string>> | undefined;
  /** Another address of the API, https unless on this machine. @default the region's */
  readonly endpoint?: string | undefined;
}

export interface SesCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

// https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_MessageTag.html
const tagText = z
  .string()
  .regex(/^[\w.@-]{1,255}$/, "has more than letters, digits and _ - . @, or more than 255 of them");

/** Checks {@link SesOptions}. */
export const sesOptions: z.ZodType<SesOptions, SesOptions> = z.strictObject({
  region: z
    .string()
    .regex(/^[a-z]{2}(?:-[a-z]+)+-\d+$/, 'is no region, such as "eu-west-1"')
    .optional()
    .describe("Default: as the AWS client finds it"),
  credentials: z
    .strictObject({
      accessKeyId: z.string().min(1),
      secretAccessKey: z.string().min(1),
      sessionToken: z.string().min(1).optional(),
    })
    .optional()
    .describe("Default: as the AWS client finds them"),
  configurationSet: z.string().min(1).optional().describe("Name of a configuration set"),
  tags: z.record(tagText, tagText).optional().describe("Tags of each mail"),
  endpoint: z
    .string()
    .superRefine((text, context) => {
      const url = URL.canParse(text) ? new URL(text) : undefined;
      const plain = url?.protocol === "http:" && isLoopback(url.hostname);
      if (url?.protocol === "https:" || plain) return;
      context.addIssue({ code: "custom", path: [], message: "is not an https URL" });
    })
    .optional()
    .describe("Another address of the API"),
});
