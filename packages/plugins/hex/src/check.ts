import { HookError, type Logger } from "@pipehooks/core";
import type { HexClient, HexMe, HexProjectInfo } from "./client.ts";

/** Hex itself warns at this time before the end of a token. */
const soonMs = 72 * 3_600_000;
/** Of a listing that people read. */
const mostListed = 1000;

export interface HexCheck {
  readonly summary: string;
  /** The projects that the token sees, a line each; where they were asked for. */
  readonly details?: readonly string[];
}

/**
 * Asks whether host, token and project are good. The last question is a dry run, which Hex validates and does not run:
 * only it tells whether the token may run the project.
 * @throws HookError saying what is missing
 */
export async function checkHex(parts: {
  readonly client: HexClient;
  readonly project: string;
  readonly name: string;
  readonly logger: Logger;
  readonly now: number;
  readonly signal: AbortSignal;
  readonly verbose: boolean;
  /** Undefined where the budget of starts has none left for a dry run. */
  readonly dryRun: (() => Promise<unknown>) | undefined;
}): Promise<HexCheck> {
  const { client, project, name, logger, now, signal, verbose, dryRun } = parts;
  const me = await client.me(signal);
  const info = await client.project(project, signal);
  checkRunnable(info, name);
  await dryRun?.();
  const token = tokenText(me, now);
  if (token.isEnding) logger.warn(`${name}: ${token.text}. Make another one in time.`);
  const summary =
    `${client.host}: may run "${info.title}"${dryRun === undefined ? " (not asked: the budget of starts is used up)" : ""}, ` +
    `published ${info.lastPublishedAt}, as ${whose(me)}; ${token.text}`;
  if (!verbose) return { summary };
  const details: string[] = [];
  for await (const other of client.projects(signal)) {
    if (details.length >= mostListed) break;
    const published = other.lastPublishedAt ?? "not published";
    details.push(`${other.id}  ${other.title}  (${other.owner?.email ?? "?"}, ${published})`);
  }
  return { summary, details };
}

function checkRunnable(
  { title, lastPublishedAt, archivedAt, trashedAt }: HexProjectInfo,
  name: string,
) {
  const wrong =
    trashedAt != null
      ? "is in the trash"
      : archivedAt != null
        ? "is archived"
        : lastPublishedAt === null
          ? "has never been published, and only published versions run. Publish it"
          : undefined;
  if (wrong !== undefined) {
    throw new HookError("RECEIVER_REFUSED", `${name}: the project "${title}" ${wrong}.`);
  }
}

function whose({ email, org }: HexMe): string {
  return email ?? `a workspace token${org?.id == null ? "" : ` of ${org.id}`}`;
}

function tokenText(me: HexMe, now: number): { readonly text: string; readonly isEnding: boolean } {
  const exp = me.token?.exp;
  if (exp == null) return { text: "its token does not expire", isEnding: false };
  // The unit is not documented: seconds since 1970 stay below this for three thousand years.
  const at = exp > 1e11 ? exp : exp * 1000;
  const days = Math.floor((at - now) / 86_400_000);
  const left =
    days >= 2 ? `in ${days} days` : `in ${Math.max(0, Math.floor((at - now) / 3_600_000))} hours`;
  const text = `its token expires ${new Date(at).toISOString().slice(0, 16)}Z (${left})`;
  return { text, isEnding: at - now < soonMs };
}
