import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { readProfile } from "./profile.ts";

/** Which workspace, and as whom; what is left out is taken from the variables that Databricks' own tools read. */
export interface DatabricksConnection {
  /** Workspace, such as `https://dbc-a1b2.cloud.databricks.com`. @default DATABRICKS_HOST */
  readonly host?: string | undefined;
  /** Personal access token. @default DATABRICKS_TOKEN */
  readonly token?: string | undefined;
  /** Service principal (OAuth machine to machine). @default DATABRICKS_CLIENT_ID */
  readonly clientId?: string | undefined;
  /** @default DATABRICKS_CLIENT_SECRET */
  readonly clientSecret?: string | undefined;
  /** Section of `~/.databrickscfg` (or of the file that DATABRICKS_CONFIG_FILE names) to take all of it from. */
  readonly profile?: string | undefined;
  /** Workspace behind a host that serves several. @default DATABRICKS_WORKSPACE_ID */
  readonly workspaceId?: string | undefined;
  /** Lets `host` be plain http on another machine than this one. @default false */
  readonly allowHttp?: boolean | undefined;
  readonly tls?: DatabricksTls | undefined;
}

export interface DatabricksTls {
  /** PEM of certificates to trust besides the system's, as of a proxy that opens TLS. */
  readonly ca?: string | undefined;
}

/** A connection with everything found. */
export interface Connection {
  /** Origin, without a slash at the end. */
  readonly host: string;
  readonly auth:
    | { readonly type: "token"; readonly token: string }
    | { readonly type: "oauth"; readonly clientId: string; readonly clientSecret: string };
  readonly workspaceId: string | undefined;
  readonly allowHttp: boolean;
  /** PEM of certificates to trust besides the system's. */
  readonly ca: string | undefined;
}

/** Where something that the options leave out is looked for. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Text of the file with profiles. @throws where there is none */
  readonly profiles: (file: string) => string;
}

/** Something wrong with a connection, at one of its options. */
export interface ConnectionProblem {
  readonly option: keyof DatabricksConnection;
  readonly message: string;
}

/** Shape of the connection in the options of a kind. */
export const connectionShape = {
  host: z.string().optional().describe("Workspace URL. Default DATABRICKS_HOST"),
  token: z.string().optional().describe("Personal access token. Default DATABRICKS_TOKEN"),
  clientId: z
    .string()
    .optional()
    .describe("Service principal (OAuth M2M). Default DATABRICKS_CLIENT_ID"),
  clientSecret: z.string().optional().describe("Its secret. Default DATABRICKS_CLIENT_SECRET"),
  profile: z
    .string()
    .min(1)
    .optional()
    .describe("Section of ~/.databrickscfg to take host and credentials from"),
  workspaceId: z
    .string()
    .regex(/^\d+$/, "is no workspace id, which is digits")
    .optional()
    .describe("Workspace behind a host that serves several. Default DATABRICKS_WORKSPACE_ID"),
  allowHttp: z
    .boolean()
    .optional()
    .describe("Let host be plain http on another machine. Default false"),
  tls: z
    .strictObject({
      ca: z
        .string()
        .refine(isCertificate, "is no certificate in PEM")
        .optional()
        .describe("PEM of certificates to trust besides the system's"),
    })
    .optional(),
};

const here: Surroundings = {
  env: process.env,
  profiles: (file) => readFileSync(file, "utf8"),
};

/**
 * What the options say, then the profile they name, then the environment. Credentials are taken whole from one of them, so
 * a token of the environment never stands beside a service principal of the options.
 */
export function resolveConnection(
  options: DatabricksConnection,
  { env, profiles }: Surroundings = here,
):
  | { readonly connection: Connection; readonly problems?: undefined }
  | { readonly problems: readonly ConnectionProblem[]; readonly connection?: undefined } {
  const problems: ConnectionProblem[] = [];
  const wrong = (option: keyof DatabricksConnection, message: string) => {
    problems.push({ option, message });
  };

  let profile: DatabricksConnection = {};
  if (options.profile !== undefined) {
    const named = given(env.DATABRICKS_CONFIG_FILE);
    try {
      const text = profiles(named ?? join(homedir(), ".databrickscfg"));
      profile = readProfile(text, options.profile);
    } catch (error) {
      const isMissing = Reflect.get(Object(error), "code") === "ENOENT";
      const why = error instanceof Error && !isMissing ? error.message : "there is no such file";
      wrong("profile", `cannot be read from ${named ?? "~/.databrickscfg"}: ${why}`);
    }
  }
  // What the profile would have said is not asked for elsewhere.
  const hasProfile = problems.length === 0;
  const environment: DatabricksConnection = {
    host: given(env.DATABRICKS_HOST),
    token: given(env.DATABRICKS_TOKEN),
    clientId: given(env.DATABRICKS_CLIENT_ID),
    clientSecret: given(env.DATABRICKS_CLIENT_SECRET),
    workspaceId: given(env.DATABRICKS_WORKSPACE_ID),
  };
  const places = [options, profile, environment];

  const hostText = places.find(({ host }) => host !== undefined)?.host;
  const host = hostText === undefined ? undefined : toHost(hostText);
  if (hostText === undefined) {
    if (hasProfile) wrong("host", "is missing; write it, or set DATABRICKS_HOST");
  } else if (host === undefined) {
    wrong("host", "is no workspace URL, such as https://dbc-a1b2.cloud.databricks.com");
  } else if (host.startsWith("http:") && options.allowHttp !== true && !isThisMachine(host)) {
    wrong("host", 'is plain http; use https, or set "allowHttp"');
  }
  const ca = options.tls?.ca;
  if (ca !== undefined && host?.startsWith("http:"))
    wrong("tls", "is not used by a plain http host");

  const found = places.find(
    ({ token, clientId, clientSecret }) => token ?? clientId ?? clientSecret,
  );
  const auth = found === undefined ? undefined : toAuth(found, found === environment, wrong);
  if (found === undefined && hasProfile) {
    wrong(
      "token",
      'is missing; write it, or "clientId" and "clientSecret", or set DATABRICKS_TOKEN, or ' +
        "DATABRICKS_CLIENT_ID and DATABRICKS_CLIENT_SECRET",
    );
  }
  if (problems.length > 0 || host === undefined || auth === undefined) return { problems };
  const workspaceId = places.find((place) => place.workspaceId !== undefined)?.workspaceId;
  return { connection: { host, auth, workspaceId, allowHttp: options.allowHttp === true, ca } };
}

function toAuth(
  { token, clientId, clientSecret }: DatabricksConnection,
  fromEnvironment: boolean,
  wrong: (option: keyof DatabricksConnection, message: string) => void,
): Connection["auth"] | undefined {
  const where = fromEnvironment ? " (from the environment)" : "";
  if (token !== undefined) {
    if (clientId !== undefined || clientSecret !== undefined) {
      wrong("token", `stands beside a service principal${where}; give one of the two`);
    } else if (/^[\x21-\x7e]+$/.test(token)) {
      return { type: "token", token };
    } else {
      wrong("token", `is empty or has more than visible ASCII${where}`);
    }
    return undefined;
  }
  if (clientId === undefined || clientId === "") {
    wrong("clientId", `is missing beside "clientSecret"${where}`);
  } else if (clientSecret === undefined || clientSecret === "") {
    wrong("clientSecret", `is missing beside "clientId"${where}`);
  } else {
    return { type: "oauth", clientId, clientSecret };
  }
  return undefined;
}

/** https unless said otherwise; path, query and the usual port are dropped, as vendor tools do. */
function toHost(text: string): string | undefined {
  const trimmed = text.trim();
  const url = /^[a-z][a-z0-9+.-]*:\/\//i.test(trimmed) ? trimmed : `https://${trimmed}`;
  if (!URL.canParse(url)) return undefined;
  const { protocol, origin, username, password } = new URL(url);
  if (username !== "" || password !== "") return undefined;
  return protocol === "https:" || protocol === "http:" ? origin : undefined;
}

function isThisMachine(host: string): boolean {
  return /^http:\/\/(?:localhost|\[::1\]|127\.\d+\.\d+\.\d+)(?::\d+)?$/.test(host);
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).subject !== undefined;
  } catch {
    return false;
  }
}

/** A variable that is empty is one that is not set. */
function given(text: string | undefined): string | undefined {
  return text === "" ? undefined : text;
}

/** What must not appear anywhere. */
export function secretsOf({ auth }: Connection): string[] {
  return auth.type === "token" ? [auth.token] : [auth.clientSecret];
}
