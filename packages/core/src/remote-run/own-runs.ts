/** What this process knows of runs that it has dealt with: some thousand of them, the youngest. */
export interface OwnRuns {
  started(id: string, at: number): void;
  /** It goes on no more. */
  ended(id: string): void;
  /** It was started here, not before this time of our clock, and goes on as far as is known. */
  startedAt(id: string): number | undefined;
  /** Those started in the last moments, which lists may not have yet. */
  youngest(): readonly string[];
  /** It is being ended in favour of another one. */
  replaced(id: string): void;
  isReplaced(id: string): boolean;
}

const most = 5000;
const listLagMs = 15_000;

export function createOwnRuns(now: () => number): OwnRuns {
  const starts = new Map<string, number>();
  const replaced = new Map<string, number>();
  return {
    started: (id, at) => keep(starts, id, at),
    ended: (id) => void starts.delete(id),
    startedAt: (id) => starts.get(id),
    youngest: () => [...starts].filter(([, at]) => at > now() - listLagMs).map(([id]) => id),
    replaced: (id) => keep(replaced, id, now()),
    isReplaced: (id) => replaced.has(id),
  };
}

function keep(map: Map<string, number>, id: string, at: number): void {
  map.delete(id);
  map.set(id, at);
  const [oldest] = map.keys();
  if (map.size > most && oldest !== undefined) map.delete(oldest);
}
