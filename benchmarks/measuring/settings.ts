/** How long and how often is measured; `run.ts` sets it from the command line. */
export interface Settings {
  /** How often each contender is started anew: a process may have good or bad luck for as long as it lives. */
  readonly starts: number;
  /** How often each is measured after a start. */
  readonly rounds: number;
  /** Length of one round of one contender, where it goes by time. */
  readonly roundMs: number;
  /** The size of the large backlog. */
  readonly pending: number;
  /** Only contenders whose name contains this; the limits and Pipehooks always run. */
  readonly only: string | undefined;
}

const { PIPEHOOKS_BENCH } = process.env;

export const settings: Settings = {
  starts: 3,
  rounds: 3,
  roundMs: 600,
  pending: 1_000_000,
  only: undefined,
  ...(PIPEHOOKS_BENCH === undefined ? {} : (JSON.parse(PIPEHOOKS_BENCH) as Partial<Settings>)),
};
