import { type HookContext, HookError } from "@pipehooks/core";
import { awsTarget, createAws } from "./aws.ts";
import { awsPackage } from "./aws-client.ts";
import { azurePackages, azureTarget, createAzure } from "./azure.ts";
import { type Cloud, toParts } from "./cloud.ts";
import { createGcp, gcpTarget } from "./gcp.ts";
import { gcpPackage } from "./gcp-auth.ts";
import type { CloudLoggingOptions } from "./options.ts";

/** What a provider is for the kind. */
export interface Provider {
  /** Optional packages that it needs. */
  readonly packages: readonly string[];
  /** Whose limits are shared. */
  readonly target: string;
  readonly secrets: readonly string[];
  open(context: HookContext): Promise<Cloud<unknown>>;
}

/** The provider that the options choose; options that passed the schema describe it. */
export function providerOf(options: CloudLoggingOptions): Provider {
  const { provider, aws, gcp, azure } = options;
  if (provider === "aws" && aws !== undefined) {
    return {
      packages: [awsPackage],
      target: awsTarget(aws),
      secrets: given(aws.secretAccessKey, aws.sessionToken),
      open: (context) => createAws(aws, toParts(options, context)),
    };
  }
  if (provider === "gcp" && gcp !== undefined) {
    return {
      packages: [gcpPackage],
      target: gcpTarget(gcp),
      secrets: given(gcp.credentials?.privateKey),
      open: (context) => createGcp(gcp, toParts(options, context)),
    };
  }
  if (provider === "azure" && azure !== undefined) {
    return {
      packages: azurePackages,
      target: azureTarget(azure),
      secrets: given(azure.clientSecret),
      open: (context) => createAzure(azure, toParts(options, context)),
    };
  }
  throw new HookError("HOOK_OPTIONS_INVALID", `"${provider}" is missing, where it is described.`);
}

function given(...secrets: readonly (string | undefined)[]): readonly string[] {
  return secrets.filter((secret) => secret !== undefined);
}
