import { isIP, type LookupFunction } from "node:net";
import { optionName } from "../option-name.ts";
import { createAddressJudge } from "./address.ts";
import type { TargetOptions } from "./options.ts";

/** Resolves a name to all its addresses; `dns.lookup` with `all: true`. */
export type Resolve = (
  hostname: string,
  options: { readonly all: true; readonly family?: number; readonly hints?: number },
  callback: (
    error: NodeJS.ErrnoException | null,
    addresses: readonly { readonly address: string; readonly family: number }[],
  ) => void,
) => void;

export interface TargetRules extends TargetOptions {
  /** Who must not reach what is closed, in messages: `webhooks`. @default "hooks" */
  readonly who?: string | undefined;
}

/** Refuses targets that a hook must not reach, before and after DNS, and once more on the open socket. */
export interface TargetGuard {
  /** What can be told without DNS. Behind a proxy, which resolves names itself, nothing more is ever known. */
  refusalOf(route: "direct" | "proxy"): BlockedTarget | undefined;
  /** For `net.connect`: answers exactly the addresses that were judged, so nothing else can be dialled. */
  readonly lookup: LookupFunction;
  /** Judges the address that was really reached. @throws BlockedTarget */
  checkAddress(address: string | undefined): void;
}

/** A target was refused. The message is for everybody; the address found is for the operator only. */
export class BlockedTarget extends Error {
  override readonly name = "BlockedTarget";
  readonly code = "TARGET_BLOCKED";
  readonly address: string | undefined;

  constructor(message: string, address?: string) {
    super(message);
    this.address = address;
  }
}

/**
 * Keeps requests to one URL out of private networks (server-side request forgery): only what `rules` open is reached.
 * `resolve` is `dns.lookup` but in tests.
 */
export function createTargetGuard(url: URL, rules: TargetRules, resolve: Resolve): TargetGuard {
  const { allowHttp = false, allowPrivate = false, allow = [], who = "hooks" } = rules;
  const { judge } = createAddressJudge({ allowPrivate, allow });
  const orOpen = allowPrivate ? "" : ` or set ${optionName("allowPrivate")}`;
  const port = portOf(url);
  const host = bareHostOf(url);
  const restricted = !allowPrivate && isRestrictedName(host);

  const checkAddress = (address: string | undefined): void => {
    const verdict = address === undefined ? "blocked" : judge(address, port);
    const literal = isIP(host) > 0;
    if (verdict === "blocked" || (restricted && verdict !== "allowed")) {
      throw new BlockedTarget(
        `${literal ? "is" : "resolves to"} an address that ${who} must not reach. ` +
          `If this is intended, name its range under "allow"${orOpen}`,
        address,
      );
    }
    if (url.protocol === "http:" && !allowHttp && verdict !== "private") {
      throw new BlockedTarget(
        `${literal ? "is" : "resolves to"} no private address, and plain http to others is off. ` +
          `Use https, or set ${optionName("allowHttp")}`,
        address,
      );
    }
  };

  return {
    refusalOf(route) {
      if (isIP(host) > 0) return catchRefusal(() => checkAddress(host));
      if (restricted && (allow.length === 0 || route === "proxy")) {
        return new BlockedTarget(
          `is a name for internal use, which ${who} must not reach. ` +
            `If this is intended, name its addresses under "allow"${orOpen}`,
        );
      }
      if (route === "proxy" && url.protocol === "http:" && !allowHttp) {
        return new BlockedTarget(
          `may be public, which cannot be told behind a proxy, and plain http to public targets is off. ` +
            `Use https, or set ${optionName("allowHttp")}`,
        );
      }
      return undefined;
    },
    lookup(hostname, options, callback) {
      // `all` whatever was asked for: one blocked address among several is enough to refuse.
      const { family, hints } = options;
      const wanted = {
        all: true as const,
        ...(typeof family === "number" ? { family } : {}),
        ...(hints === undefined ? {} : { hints }),
      };
      resolve(hostname, wanted, (error, addresses) => {
        if (error !== null) return callback(error, "");
        const refusal = catchRefusal(() => {
          for (const { address } of addresses) checkAddress(address);
        });
        if (refusal !== undefined) return callback(refusal, "");
        const [first] = addresses;
        if (first === undefined) return callback(noAddress(hostname), "");
        if (options.all) callback(null, [...addresses]);
        else callback(null, first.address, first.family);
      });
    },
    checkAddress,
  };
}

/** Host and port, the port written out also where it is the scheme's own. */
export function originOf(url: URL): string {
  return `${url.hostname}:${portOf(url)}`;
}

/** Without the brackets of an IPv6 address. */
export function bareHostOf({ hostname }: URL): string {
  return hostname.replace(/^\[(.*)\]$/, "$1");
}

function portOf(url: URL): number {
  return Number(url.port) || (url.protocol === "https:" ? 443 : 80);
}

/** Names that only mean something inside; a single label becomes a cluster's service by search domains. */
function isRestrictedName(host: string): boolean {
  if (isIP(host) > 0) return false;
  const name = host.toLowerCase().replace(/\.$/, "");
  return !name.includes(".") || /\.(?:localhost|local|internal)$/.test(name);
}

function catchRefusal(check: () => void): BlockedTarget | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    if (error instanceof BlockedTarget) return error;
    throw error;
  }
}

function noAddress(hostname: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`getaddrinfo ENOTFOUND ${hostname}`), { code: "ENOTFOUND" });
}
