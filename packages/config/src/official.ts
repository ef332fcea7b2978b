/** A kind that the project itself brings. */
export interface OfficialKind {
  readonly package: string;
}

const of = (name: string): OfficialKind => ({ package: `@pipehooks/${name}` });

/** Kinds that are found without being named under `plugins`. */
export const officialKinds: ReadonlyMap<string, OfficialKind> = new Map([
  ["webhook", of("webhook")],
  ["databricks-job", of("databricks")],
  ["databricks-sql", of("databricks")],
  ["email", of("email")],
  ["cloud-logging", of("cloud-logging")],
  ["hex-run", of("hex")],
  ["dbt-cloud-run", of("dbt")],
  ["dbt-core", of("dbt")],
  ["slack", of("alerts")],
  ["teams", of("alerts")],
  ["pagerduty", of("alerts")],
  ["opsgenie", of("alerts")],
  ["discord", of("alerts")],
]);

/** Why an official kind that is not installed cannot be used, and what to do. */
export function missingKindMessage(kind: string, { package: name }: OfficialKind): string {
  return `The kind "${kind}" needs ${name}. Install it: npm install ${name}`;
}
