import type { Filled, HexWorkspace } from "./workspace.ts";

/** Whose token it is, and what it may do. */
export interface HexToken {
  /** `hxtp_` (personal) or `hxtw_` (workspace) and 96 hex digits. */
  readonly token: string;
  /** Tokens of one user share limits and kernels. @default "ada" */
  readonly user?: string | undefined;
  /** Epoch seconds; null or left out: it never expires. */
  readonly exp?: number | null | undefined;
  /** Whether it has "Run projects". @default true */
  readonly mayRun?: boolean | undefined;
}

/** What an answer depends on, besides the request. */
export interface HexSituation {
  readonly workspace: HexWorkspace;
  readonly token: Filled<HexToken>;
  /** Such as `http://127.0.0.1:40123`. */
  readonly origin: string;
  readonly now: number;
  /** Kernels a user may hold, less those of open notebooks. */
  readonly kernels: number;
  /** Enterprise plan: lineage is to be had. */
  readonly enterprise: boolean;
  /** Runs younger than this are not listed yet. */
  readonly listLagMs: number;
}
