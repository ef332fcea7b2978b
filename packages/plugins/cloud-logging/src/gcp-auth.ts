import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { HookError, messageOf, optionName } from "@pipehooks/core";
import { z } from "zod";
import type { GcpLogsOptions } from "./gcp-options.ts";
import { isPlainHttp } from "./option-rules.ts";

export const gcpPackage = "@google-cloud/logging";

const scope = "https://www.googleapis.com/auth/logging.write";

const keyFileContent = z.object({
  type: z.literal("service_account"),
  client_email: z.string().min(1),
  private_key: z.string().min(1),
});

/**
 * What the client is told of who we are: nothing where the usual chain shall find it out.
 * @throws HookError HOOK_OPTIONS_INVALID where `keyFile` is no key of a service account
 */
export async function toAuthOptions(options: GcpLogsOptions, name: string): Promise<object> {
  if (isPlainHttp(options.endpoint)) {
    // Without credentials nobody need be asked whose they are, the metadata server least of all.
    return { sslCreds: insecure(), clientOptions: { universeDomain: "googleapis.com" } };
  }
  const { credentials, keyFile } = options;
  if (credentials !== undefined) return signed(credentials.clientEmail, credentials.privateKey);
  if (keyFile === undefined) return {};
  const { client_email, private_key } = await readKey(keyFile, name);
  return signed(client_email, private_key);
}

/** Tokens that the account signs itself (https://google.aip.dev/auth/4111): nobody is asked for them. */
function signed(email: string, key: string): object {
  const { GoogleAuth, JWT } = ofClient("google-auth-library");
  const authClient = new JWT({ email, key, scopes: [scope] });
  authClient.useJWTAccessWithScope = true;
  return { auth: new GoogleAuth({ authClient }) };
}

async function readKey(file: string, name: string): Promise<z.output<typeof keyFileContent>> {
  try {
    return keyFileContent.parse(JSON.parse(await readFile(file, "utf8")));
  } catch (error) {
    // What a parser quotes could be the key.
    const isMissing = Reflect.get(Object(error), "syscall") !== undefined;
    const why = isMissing ? messageOf(error) : "it is not the JSON of a service account's key";
    throw new HookError(
      "HOOK_OPTIONS_INVALID",
      `${name}: ${optionName("keyFile")} ${file} cannot be used: ${why}. Other kinds of credentials are found by GOOGLE_APPLICATION_CREDENTIALS.`,
    );
  }
}

/** Of the very gRPC that the client uses: it takes no other's. */
function insecure(): unknown {
  return ofClient("google-gax").grpc.credentials.createInsecure();
}

/** A package that the client itself is made of. */
function ofClient(name: string) {
  const fromHere = createRequire(import.meta.url);
  return createRequire(fromHere.resolve(gcpPackage))(name);
}
