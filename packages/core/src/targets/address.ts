import { BlockList, isIP } from "node:net";

/** What may be said of an address before anything is sent to it. */
type AddressVerdict = "public" | "private" | "allowed" | "blocked";

interface AddressRules {
  readonly allowPrivate: boolean;
  /** Entries that {@link parseAllow} reads. */
  readonly allow: readonly string[];
}

interface AllowEntry {
  readonly address: string;
  readonly prefix: number;
  readonly family: Family;
  readonly port: number | undefined;
}

type Family = "ipv4" | "ipv6";

// https://www.iana.org/assignments/iana-ipv4-special-registry, multicast, reserved, and Azure's host service.
const blocked4 = [
  ..."0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12".split(" "),
  ..."192.0.0.0/24 192.0.2.0/24 192.88.99.0/24 192.168.0.0/16 198.18.0.0/15".split(" "),
  ..."198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4 168.63.129.16/32".split(" "),
];
// https://www.iana.org/assignments/iana-ipv6-special-registry; ::/8 has loopback, NAT64 and translated forms.
const blocked6 = [
  ..."::/8 100::/64 100:0:0:1::/64 2001::/23 2001:db8::/32 2002::/16 3fff::/20".split(" "),
  ..."5f00::/16 fc00::/7 fe80::/10 fec0::/10 ff00::/8".split(" "),
];
/** What `allowPrivate` opens … */
const private4 = ["127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"];
const private6 = ["::1/128", "fc00::/7"];
/** … except the metadata services of clouds that live inside those ranges. */
const metadata4 = ["100.100.100.200/32"];
const metadata6 = ["fd00:ec2::254/128", "fd00:ec2::23/128", "fd20:ce::254/128"];

/** Made for the first hook that is guarded: who only emits has no use for them. */
let lists: ReturnType<typeof createLists> | undefined;

/** Judges addresses by the rules of one hook. */
export function createAddressJudge({ allowPrivate, allow }: AddressRules): {
  judge(address: string, port: number): AddressVerdict;
} {
  lists ??= createLists();
  const { blocked, open, metadata } = lists;
  const allowed = allow.flatMap((text) => {
    const entry = parseAllow(text);
    return entry === undefined ? [] : { ...entry, list: listOf(entry) };
  });
  return {
    judge(text, port) {
      const found = toPlainAddress(text);
      if (found === undefined) return "blocked";
      const { address, family } = found;
      const isBlocked = blocked[family].check(address, family);
      const isPrivate = open[family].check(address, family);
      const isMetadata = metadata[family].check(address, family);
      if (allowPrivate && isPrivate && !isMetadata) return "private";
      const isAllowed = allowed.some(
        (entry) =>
          entry.family === family &&
          (entry.port === undefined || entry.port === port) &&
          entry.list.check(address, family),
      );
      if (isAllowed) return "allowed";
      return isBlocked ? "blocked" : "public";
    },
  };
}

/** Reads `10.0.0.0/8`, `10.0.0.0/8:8443`, `fd00::/8:443` or a single address; undefined for anything else. */
export function parseAllow(text: string): AllowEntry | undefined {
  const [, body = "", prefixText, portText] =
    /^([^/]+?)(?:\/(\d{1,3}))?(?::(\d{1,5}))?$/.exec(text) ?? [];
  // Without a prefix, the last group of an IPv6 address looks like a port.
  const single = isIP(text) === 6 ? text : undefined;
  const address = single ?? body;
  const version = isIP(address);
  if (version === 0 || address.includes("%") || isMapped(address)) return undefined;
  const widest = version === 4 ? 32 : 128;
  const prefix = single !== undefined || prefixText === undefined ? widest : Number(prefixText);
  const port = single !== undefined || portText === undefined ? undefined : Number(portText);
  if (prefix > widest || port === 0 || (port ?? 0) > 65_535) return undefined;
  return { address, prefix, family: version === 4 ? "ipv4" : "ipv6", port };
}

function isMapped(address: string): boolean {
  return isIP(address) === 6 && toPlainAddress(address)?.family === "ipv4";
}

/** Without brackets and zone; an IPv4-mapped address (`::ffff:0:0/96`) as the IPv4 address it stands for. */
function toPlainAddress(text: string): { address: string; family: Family } | undefined {
  const bare = text.replace(/^\[(.*)\]$/, "$1").replace(/%.*$/, "");
  const version = isIP(bare);
  if (version === 0) return undefined;
  if (version === 4) return { address: bare, family: "ipv4" };
  // The URL parser writes every form of an IPv6 address in the one canonical way.
  const address = new URL(`http://[${bare}]/`).hostname.slice(1, -1);
  const [, high, low] = /^::ffff:([\da-f]+):([\da-f]+)$/.exec(address) ?? [];
  if (high === undefined || low === undefined) return { address, family: "ipv6" };
  const bytes = [high, low].flatMap((group) => {
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 255];
  });
  return { address: bytes.join("."), family: "ipv4" };
}

function createLists() {
  // One list per family: in a mixed list `::/8` would match every IPv4 address, in its mapped form.
  return {
    blocked: { ipv4: toList(blocked4), ipv6: toList(blocked6) },
    open: { ipv4: toList(private4), ipv6: toList(private6) },
    metadata: { ipv4: toList(metadata4), ipv6: toList(metadata6) },
  };
}

function toList(entries: readonly string[]): BlockList {
  const list = new BlockList();
  for (const text of entries) {
    const [address = "", prefix] = text.split("/");
    list.addSubnet(address, Number(prefix), address.includes(":") ? "ipv6" : "ipv4");
  }
  return list;
}

function listOf({ address, prefix }: AllowEntry): BlockList {
  return toList([`${address}/${prefix}`]);
}
