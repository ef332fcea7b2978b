/** A kind that the project itself brings. */
export interface OfficialKind {
  readonly package: string;
  /** Whether the package is out with this version. */
  readonly released: boolean;
}

const out = (name: string): OfficialKind => ({ package: `@pipehooks/${name}`, released: true });
const later = (name: string): OfficialKind => ({ package: `@pipehooks/${name}`, released: false });

/** Kinds that are found without being named under `plugins`. */
export const officialKinds: ReadonlyMap<string, OfficialKind> = new Map([
  ["webhook", out("webhook")],
  ["databricks-job", out("databricks")],
  ["databricks-sql", out("databricks")],
  ["email", later("email")],
  ["cloud-logging", later("cloud-logging")],
  ["hex-run", out("hex")],
  ["dbt-cloud-run", out("dbt")],
  ["dbt-core", out("dbt")],
  ["slack", later("slack")],
  ["pagerduty", later("pagerduty")],
]);

/** Why an official kind that is not installed cannot be used, and what to do. */
export function missingKindMessage(
  kind: string,
  { package: name, released }: OfficialKind,
): string {
  if (released) return `The kind "${kind}" needs ${name}. Install it: npm install ${name}`;
  return `The kind "${kind}" needs ${name}, which is not installed and did not come out with this version. Set "enabled: false", or take the hook out.`;
}
