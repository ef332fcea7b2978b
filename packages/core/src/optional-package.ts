import { HookError, messageOf } from "./errors.ts";

/**
 * Imports an npm package that is no dependency, where a hook that uses it is made.
 * @example
 * const nodemailer = await loadOptional("nodemailer", "The kind \"email\"", () => import("nodemailer"));
 * @throws HookError PACKAGE_MISSING with the command that installs it; what the package itself throws goes through
 */
export async function loadOptional<Module>(
  name: string,
  user: string,
  load: () => Promise<Module>,
): Promise<Module> {
  try {
    return await load();
  } catch (cause) {
    if (!isMissing(cause, name)) throw cause;
    throw new HookError("PACKAGE_MISSING", missingPackagesMessage(user, [name]), { cause });
  }
}

/** Who needs which packages, and the command that installs them. */
export function missingPackagesMessage(user: string, names: readonly string[]): string {
  const are = names.length === 1 ? "is" : "are";
  return `${user} needs ${names.join(" and ")}, which ${are} not installed. Install it: npm install ${names.join(" ")}`;
}

// A package that is there and lacks one of its own parts says so itself.
function isMissing(cause: unknown, name: string): boolean {
  const code: unknown = Reflect.get(Object(cause), "code");
  if (code !== "ERR_MODULE_NOT_FOUND" && code !== "MODULE_NOT_FOUND") return false;
  return messageOf(cause).includes(`'${name}'`);
}
