import { setTimeout as sleep } from "node:timers/promises";
import type { Comparison, Figures, Measure } from "./comparison.ts";
import { open, type Remote, serve } from "./contender.ts";
import { printTable } from "./report.ts";
import { settings } from "./settings.ts";

/**
 * Opens every contender in a process of its own and measures them in turn (A B C A B C …), so that what else the
 * machine does falls on all alike. Ratios are taken within a round.
 */
export async function compare(comparison: Comparison): Promise<void> {
  const { title, contenders, measures, rounds = settings.rounds } = comparison;
  if (await serve(title, contenders)) return;

  const remotes: Remote[] = [];
  const skipped: string[] = [];
  try {
    for (const [name, { role }] of Object.entries(contenders)) {
      const { only } = settings;
      if (role === "peer" && only !== undefined && !name.includes(only)) continue;
      const remote = await open(title, name);
      if (typeof remote === "string") skipped.push(`${name}: ${remote}`);
      else remotes.push(remote);
    }
    const results = new Map<string, Figures>();
    for (const measure of measures) {
      results.set(measure.name, await rounded(remotes, measure, rounds));
    }
    printTable(comparison, results, skipped);
  } finally {
    await Promise.all(remotes.map((remote) => remote.close()));
  }
}

const warmUps = 6;

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
