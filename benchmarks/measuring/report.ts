import { bestPeer, type Comparison, type Figures, type Goal, type Measure } from "./comparison.ts";

/** Prints figures, ratios and goals of a comparison. */
export function printTable(
  { title, contenders, measures, goals, notes = [] }: Comparison,
  results: ReadonlyMap<string, Figures>,
  skipped: readonly string[],
): void {
  console.log(`\n${title}`);
  const ours = Object.entries(contenders).find(([, { role }]) => role === "ours")?.[0] ?? "";
  for (const measure of measures) {
    const figures = results.get(measure.name) ?? new Map<string, readonly number[]>();
    console.log("");
    printRows([
      ["", measure.name, "median", "min – max", "ours / this"],
      ...[...figures].map(([name, own]) => [
        contenders[name]?.role ?? "",
        name,
        format(median(own), measure),
        own.length > 1
          ? `${format(Math.min(...own), measure)} – ${format(Math.max(...own), measure)}`
          : "",
        name === ours ? "" : spread(ratios(figures.get(ours) ?? [], own)),
      ]),
    ]);
  }
  console.log("");
  for (const goal of goals)
    console.log(verdict(goal, { contenders, measures, goals, title }, results));
  for (const line of skipped) console.log(`  skipped  ${line}`);
  for (const note of notes) console.log(`  ${note}`);
}

function verdict(
  goal: Goal,
  { contenders, measures }: Comparison,
  results: ReadonlyMap<string, Figures>,
): string {
  const measure = measures.find(({ name }) => name === goal.measure) ?? measures[0];
  const figures = results.get(measure?.name ?? "");
  const own = figures?.get(goal.of);
  if (measure === undefined || figures === undefined || own === undefined) {
    return `  ?        ${goal.text}: not measured`;
  }
  const { reached, shown } = reach(goal, { own, figures, contenders, measure });
  if (Number.isNaN(reached)) return `  ?        ${goal.text}: not measured`;
  const holds = (goal.atLeast ?? -Infinity) <= reached && reached <= (goal.atMost ?? Infinity);
  return `  ${holds ? "reached" : "MISSED "}  ${goal.text}: ${shown}`;
}

function reach(
  { by, above }: Goal,
  {
    own,
    figures,
    contenders,
    measure,
  }: {
    readonly own: readonly number[];
    readonly figures: Figures;
    readonly contenders: Comparison["contenders"];
    readonly measure: Measure;
  },
): { readonly reached: number; readonly shown: string } {
  if (above !== undefined) {
    const base = figures.get(above) ?? [];
    const reached = median(own) - median(base);
    return { reached, shown: format(reached, measure) };
  }
  if (by === undefined) return { reached: median(own), shown: format(median(own), measure) };
  const other = by === bestPeer ? best(figures, contenders) : (figures.get(by) ?? []);
  const found = ratios(own, other);
  return { reached: median(found), shown: spread(found) };
}

/** Of each round the peer that was fastest in it. */
function best(figures: Figures, contenders: Comparison["contenders"]): readonly number[] {
  const peers = [...figures].filter(([name]) => contenders[name]?.role === "peer");
  const rounds = Math.max(0, ...peers.map(([, own]) => own.length));
  return Array.from({ length: rounds }, (_, round) =>
    Math.max(...peers.map(([, own]) => own[round] ?? 0)),
  );
}

function ratios(own: readonly number[], other: readonly number[]): readonly number[] {
  return own.flatMap((figure, round) => {
    const beside = other[round];
    return beside === undefined ? [] : [figure / beside];
  });
}

function spread(found: readonly number[]): string {
  if (found.length === 0) return "";
  const middle = toRatio(median(found));
  if (found.length === 1) return middle;
  return `${middle} (${toRatio(Math.min(...found))} – ${toRatio(Math.max(...found))})`;
}

function toRatio(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

export function median(values: readonly number[]): number {
  if (values.length === 0) return Number.NaN;
  const sorted = values.toSorted((a, b) => a - b);
  const at = (sorted.length - 1) / 2;
  return ((sorted[Math.floor(at)] ?? 0) + (sorted[Math.ceil(at)] ?? 0)) / 2;
}

function format(value: number, { unit }: Measure): string {
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : 2;
  const text = value.toLocaleString("en", {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
  return unit === "/s" ? `${text}/s` : `${text} ${unit}`;
}

function printRows(rows: readonly (readonly string[])[]): void {
  const widths = rows[0]?.map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  for (const row of rows) {
    const cells = row.map((cell, column) =>
      column < 2 ? cell.padEnd(widths?.[column] ?? 0) : cell.padStart(widths?.[column] ?? 0),
    );
    console.log(`  ${cells.join("  ").trimEnd()}`);
  }
}
