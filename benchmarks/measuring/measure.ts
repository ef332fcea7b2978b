import { setTimeout as sleep } from "node:timers/promises";
import type { Comparison, Figures, Measure } from "./comparison.ts";
import { open, type Remote, serve } from "./contender.ts";
import { printTable } from "./report.ts";
import { settings } from "./settings.ts";

/**
 * Opens every contender in a process of its own and measures them in turn (A B C A B C …), so that what else the
 * machine does falls on all alike. Ratios are taken within a round. All of it is done several times: what a process
 * decides early, such as which objects are long-lived, it keeps, and two of them may differ by a third.
 */
export async function compare(comparison: Comparison): Promise<void> {
  const { title, contenders, measures } = comparison;
  if (await serve(title, contenders)) return;

  const starts = comparison.starts ?? settings.starts;
  const rounds = Math.ceil((settings.rounds * settings.starts) / starts);
  const results = new Map(measures.map(({ name }) => [name, new Map<string, number[]>()]));
  const skipped = new Set<string>();
  for (let start = 0; start < starts; start += 1) {
    const remotes: Remote[] = [];
    try {
      for (const [name, { role }] of Object.entries(contenders)) {
        const { only } = settings;
        if (role === "peer" && only !== undefined && !name.includes(only)) continue;
        const remote = await open(title, name);
        if (typeof remote === "string") skipped.add(`${name}: ${remote}`);
        else remotes.push(remote);
      }
      for (const measure of measures) {
        const figures = results.get(measure.name) ?? new Map<string, number[]>();
        for (const [name, own] of await rounded(remotes, measure, rounds)) {
          figures.set(name, [...(figures.get(name) ?? []), ...own]);
        }
      }
    } finally {
      await Promise.all(remotes.map((remote) => remote.close()));
    }
  }
  printTable(comparison, results, [...skipped]);
}

const warmUps = 10;

async function rounded(
  remotes: readonly Remote[],
  { name, once = false }: Measure,
  rounds: number,
): Promise<Figures> {
  const figures = new Map(remotes.map((remote) => [remote.name, [] as number[]]));
  // The first rounds warm up and are thrown away: whoever has more code is compiled later.
  for (let round = once ? 1 : 1 - warmUps; round <= (once ? 1 : rounds); round += 1) {
    for (const remote of remotes) {
      const figure = await remote.measure(name);
      if (round > 0) figures.get(remote.name)?.push(figure);
      // What one leaves to the disk and to its servers should not fall on the next.
      await sleep(20);
    }
  }
  return figures;
}
