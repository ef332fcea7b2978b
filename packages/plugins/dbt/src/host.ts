/** Where an account is. */
export interface AccountHost {
  /** Such as `https://ab123.us1.dbt.com`. */
  readonly origin: string;
  readonly host: string;
  /** Where that is, for people; undefined for hosts of one's own. */
  readonly region?: string | undefined;
  /** What to know of it. */
  readonly warning?: string | undefined;
}

/** Cells of the multi-tenant platform (https://docs.getdbt.com/docs/cloud/about-cloud/access-regions-ip-addresses). */
const cells: ReadonlyMap<string, string> = new Map([
  ["us1", "AWS N. Virginia"],
  ["eu1", "AWS Frankfurt"],
  ["au1", "AWS Sydney"],
  ["jp1", "AWS Tokyo"],
  ["us2", "Azure Virginia"],
  ["eu2", "Azure Ireland"],
  ["us3", "GCP US central"],
  ["eu3", "GCP London"],
  ["eu4", "GCP Frankfurt"],
]);

/** Hosts that many accounts share, from before accounts had their own. */
const shared: ReadonlyMap<string, string> = new Map([
  ["cloud.getdbt.com", "North America, shared"],
  ["emea.dbt.com", "EMEA, shared"],
  ["au.dbt.com", "Australia, shared"],
]);

/**
 * Reads an account's access URL: a host, or a URL that may end in `/api`, `/api/v2` or `/api/v3`.
 * @throws Error that says what is wrong with it
 */
export function parseHost(text: string): AccountHost {
  const written = /^[a-z][a-z\d+.-]*:\/\//i.test(text) ? text : `https://${text}`;
  if (!URL.canParse(written)) throw new Error('is no host; write it like "ab123.us1.dbt.com"');
  const url = new URL(written);
  if (url.protocol !== "https:" && url.protocol !== "http:") {
    throw new Error("is no http or https address");
  }
  if (url.username !== "" || url.password !== "") {
    throw new Error('has a user or a password in it; the token belongs to "token"');
  }
  if (!/^\/(?:api\/?(?:v[23]\/?)?)?$/.test(url.pathname) || url.search !== "" || url.hash !== "") {
    throw new Error(
      'has more than a host; write the account\'s access URL alone: "ab123.us1.dbt.com"',
    );
  }
  const { host, origin } = url;
  if (/^[a-z]{2}\d\.dbt\.com$/.test(host)) {
    throw new Error(`lacks the account's prefix; write it like "ab123.${host}"`);
  }
  const cell = /^[\w-]+\.([a-z]{2}\d)\.dbt\.com$/.exec(host)?.[1];
  const region = cell === undefined ? shared.get(host) : cells.get(cell);
  return {
    origin,
    host,
    region,
    ...(host === "cloud.getdbt.com" && {
      warning: "cloud.getdbt.com is going to be retired; use the account's own access URL",
    }),
  };
}
