import type { Store } from "@pipehooks/core";
import { accepting } from "./store/accepting.ts";
import { announcing } from "./store/announcing.ts";
import { asking } from "./store/asking.ts";
import type { Bed, StoreTest, Topic } from "./store/bed.ts";
import { claiming } from "./store/claiming.ts";
import { closing } from "./store/closing.ts";
import { gateClockSetBack } from "./store/gate-clock-set-back.ts";
import { gateEntering } from "./store/gate-entering.ts";
import { gateFilling } from "./store/gate-filling.ts";
import { gateHistories } from "./store/gate-histories.ts";
import { gateKeeping } from "./store/gate-keeping.ts";
import { gateReleasing } from "./store/gate-releasing.ts";
import { gateReminding } from "./store/gate-reminding.ts";
import { gateTakingOut } from "./store/gate-taking-out.ts";
import { gating } from "./store/gating.ts";
import { holding } from "./store/holding.ts";
import { leasing } from "./store/leasing.ts";
import { losing } from "./store/losing.ts";
import { modelled } from "./store/model.ts";
import { ordering } from "./store/ordering.ts";
import { overriding } from "./store/overriding.ts";
import { remembering } from "./store/remembering.ts";
import { settling } from "./store/settling.ts";
import { timing } from "./store/timing.ts";

export interface StoreSuite {
  /** What the tests are listed under. */
  readonly name: string;
  /** Opens a store that is empty and nobody else's. */
  readonly open: () => Store | Promise<Store>;
  /**
   * Opens another store on the data of the last one opened, as another process would. Left out by a store that
   * cannot be shared; then the tests about that are left out too.
   */
  readonly openAgain?: (() => Store | Promise<Store>) | undefined;
  /** `describe` of vitest or of node:test. */
  readonly describe: (name: string, body: () => void) => unknown;
  /** `test` of vitest or of node:test. */
  readonly test: (name: string, body: () => Promise<void>) => unknown;
}

const topics: Readonly<Record<string, Topic>> = {
  accepting,
  claiming,
  settling: together(settling, holding),
  "leases at accept": leasing,
  "leases that run out": losing,
  "order keys": ordering,
  gates: together(gating, gateReleasing),
  "gates beside the rest": gateEntering,
  "what gates keep": gateKeeping,
  "gates that are taken out": gateTakingOut,
  "timers of gates": together(timing, gateReminding, gateClockSetBack),
  "what gates announce": announcing,
  "full gates": gateFilling,
  memory: remembering,
  queries: asking,
  "replay, cancel and purge": overriding,
  lifecycle: closing,
  "random histories": modelled,
  "random histories of gates": gateHistories,
};

/** Declares the tests that every store passes: the semantics of the `Store` contract of `@pipehooks/core`. */
export function testStore({ name, open, openAgain, describe, test }: StoreSuite): void {
  const declare =
    (needsSecond: boolean): StoreTest =>
    (title, body) => {
      if (needsSecond && openAgain === undefined) return;
      test(title, () => run(body));
    };

  async function run(body: (bed: Bed) => Promise<void>): Promise<void> {
    const store = await open();
    const opened = [store];
    try {
      await body({
        store,
        async again() {
          if (openAgain === undefined) throw new Error("This store cannot be opened twice.");
          const other = await openAgain();
          opened.push(other);
          return other;
        },
      });
    } finally {
      for (const each of opened.reverse()) await each[Symbol.asyncDispose]();
    }
  }

  describe(name, () => {
    for (const [title, topic] of Object.entries(topics)) {
      describe(title, () => topic(declare(false), declare(true)));
    }
  });
}

/** Topics that are listed as one. */
function together(...topics: readonly Topic[]): Topic {
  return (test, sharedTest) => {
    for (const topic of topics) topic(test, sharedTest);
  };
}
