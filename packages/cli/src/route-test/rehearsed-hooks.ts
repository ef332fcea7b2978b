import {
  checkOptions,
  type Delivery,
  defineHook,
  type Hook,
  type HookConfig,
  type HookContext,
  type JsonValue,
  type Outcome,
  type PolicyInput,
  type Rendered,
} from "@pipehooks/core";

/** One attempt, as it would have gone out. */
export interface Sent {
  readonly delivery: Delivery;
  /** Absent when it could not be made: then the attempt failed before it sent. */
  readonly rendered?: Rendered | undefined;
}

/** What becomes of attempts that are only rehearsed. */
export interface Stage {
  sent(sent: Sent): void;
  /** Ends an attempt in the place of the receiver. */
  answer(delivery: Delivery, hook: Pick<Hook, "answered">): Promise<Outcome | void>;
  /** Holds virtual time while a hook does real work. */
  during<Result>(work: Promise<Result>): Promise<Result>;
}

/** The hooks of a configuration that send nothing; what was made for them is to be disposed of. */
export interface RehearsedHooks extends AsyncDisposable {
  readonly configs: readonly HookConfig[];
}

/** Everything of a hook stays as it is (kind, destination, policies, secrets) but for its `deliver`. */
export async function rehearseHooks(
  configs: readonly HookConfig[],
  parts: {
    readonly stage: Stage;
    readonly context: (name: string) => HookContext;
    readonly defaults: PolicyInput | undefined;
  },
): Promise<RehearsedHooks> {
  const made: Hook[] = [];
  const rehearsed = await Promise.all(
    configs.map(async (config): Promise<HookConfig> => {
      const { hook, name } = config;
      if (typeof hook === "function") return { ...config, hook: rehearse({}, "code", parts.stage) };
      // It is the user's own object: it may be used again, so it is not disposed of.
      if ("deliver" in hook) return { ...config, hook: rehearse(hook, "code", parts.stage) };
      const { kind, options } = hook;
      const isOff = (config.enabled ?? kind.policy?.enabled ?? parts.defaults?.enabled) === false;
      const live = isOff
        ? {}
        : await makeHook(
            () => kind.create(checkOptions(kind, options, name), parts.context(name)),
            made,
          );
      const create = () => rehearse(live, kind.name, parts.stage);
      return { ...config, hook: defineHook({ ...kind, batch: undefined, create })(options) };
    }),
  );
  return {
    configs: rehearsed,
    async [Symbol.asyncDispose]() {
      for (const hook of made.splice(0).reverse()) await hook[Symbol.asyncDispose]?.();
    },
  };
}

/** Made beforehand: to load what a hook needs takes real time, while virtual time would go on. */
async function makeHook(create: () => Hook | Promise<Hook>, made: Hook[]): Promise<Partial<Hook>> {
  try {
    const hook = await create();
    made.push(hook);
    return hook;
  } catch (error) {
    // As in earnest: the attempt fails, and says why.
    return {
      render() {
        throw error;
      },
    };
  }
}

function rehearse(hook: Partial<Hook>, target: string, stage: Stage): Hook {
  return {
    async deliver(delivery) {
      let rendered: Rendered | undefined;
      try {
        const rendering =
          hook.render === undefined ? plain(target, delivery) : hook.render(delivery);
        rendered = rendering instanceof Promise ? await stage.during(rendering) : rendering;
      } finally {
        stage.sent({ delivery, rendered });
      }
      return stage.answer(delivery, hook);
    },
  };
}

/** What a hook that does not say what it sends is given: the events. */
function plain(target: string, { event, events }: Delivery): Rendered {
  // Events are JSON: they are stored as such.
  return { target, body: { event, events } as unknown as JsonValue };
}
