import type { DatabricksConnection } from "./connection.ts";

const names: Readonly<Record<string, keyof DatabricksConnection>> = {
  host: "host",
  token: "token",
  client_id: "clientId",
  client_secret: "clientSecret",
  workspace_id: "workspaceId",
};

/**
 * One section of a `.databrickscfg` file.
 * @throws Error where there is no such section
 */
export function readProfile(text: string, name: string): DatabricksConnection {
  const found: Record<string, string> = {};
  let inside = false;
  let seen = false;
  for (const raw of text.split(/\r?\n/)) {
    const line = raw.trim();
    if (line === "" || line.startsWith("#") || line.startsWith(";")) continue;
    const section = /^\[(.+)\]$/.exec(line)?.[1];
    if (section !== undefined) {
      inside = section.trim() === name;
      seen ||= inside;
      continue;
    }
    const [, key = "", value = ""] = /^([^=]+?)\s*=\s*(.*)$/.exec(line) ?? [];
    const option = names[key.toLowerCase()];
    if (inside && option !== undefined && value !== "") found[option] = value;
  }
  if (!seen) throw new Error(`it has no section [${name}]`);
  return found;
}
