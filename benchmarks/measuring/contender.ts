import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { type Contender, Missing } from "./comparison.ts";

/** A contender as the measuring process sees it. */
export interface Remote {
  readonly name: string;
  measure(what: string): Promise<number>;
  close(): Promise<void>;
}

type Answer =
  | { readonly type: "opened" }
  | { readonly type: "missing"; readonly message: string }
  | { readonly type: "measured"; readonly figure: number }
  | { readonly type: "closed" };

const roleKey = "PIPEHOOKS_BENCH_CONTENDER";

/**
 * Starts the program that runs now once more, as one contender; answers why it is missing, where it is. It is stopped
 * while it is not measured: some look for work a thousand times a second, and would take that from the others.
 */
export async function open(title: string, name: string): Promise<Remote | string> {
  const child = fork(process.argv[1] ?? "", [], {
    env: { ...process.env, [roleKey]: keyOf(title, name) },
    execArgv: process.execArgv,
  });
  const opened = await answerOf(child, name);
  if (opened.type === "missing") {
    child.disconnect();
    return opened.message;
  }
  child.kill("SIGSTOP");
  return {
    name,
    async measure(what) {
      child.kill("SIGCONT");
      child.send({ measure: what });
      const answer = await answerOf(child, name);
      child.kill("SIGSTOP");
      return answer.type === "measured" ? answer.figure : Number.NaN;
    },
    async close() {
      child.kill("SIGCONT");
      if (!child.connected) return;
      const ended = once(child, "exit");
      child.send({ close: true });
      await ended;
    },
  };
}

async function answerOf(child: ChildProcess, name: string): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const ended = (code: number | null) => reject(new Error(`${name} ended with status ${code}`));
  child.once("message", resolve);
  child.once("exit", ended);
  try {
    return await promise;
  } finally {
    child.off("exit", ended);
  }
}

/** In a process that was started as a contender: serves until it is told to close, and ends the process. */
export async function serve(
  title: string,
  contenders: Readonly<Record<string, Contender>>,
): Promise<boolean> {
  const role = process.env[roleKey];
  if (role === undefined) return false;
  const found = Object.entries(contenders).find(([name]) => keyOf(title, name) === role);
  if (found === undefined) return true;
  const [, contender] = found;
  const send = (answer: Answer) => process.send?.(answer);
  try {
    const opened = await contender.open();
    const closed = Promise.withResolvers<void>();
    process.on("message", (ask: { readonly measure?: string }) => {
      if (ask.measure === undefined) return closed.resolve();
      Promise.resolve(opened.measure(ask.measure)).then(
        (figure) => send({ type: "measured", figure }),
        fail,
      );
    });
    // The measuring process may die first.
    process.on("disconnect", () => closed.resolve());
    send({ type: "opened" });
    await closed.promise;
    await opened.close?.();
    process.exit(0);
  } catch (error) {
    if (!(error instanceof Missing)) fail(error);
    // What was opened before it was found missing would keep the process.
    process.once("disconnect", () => process.exit(0));
    send({ type: "missing", message: (error as Missing).message });
    return true;
  }
}

function fail(error: unknown): never {
  console.error(error);
  process.exit(1);
}

function keyOf(title: string, name: string): string {
  return `${title} / ${name}`;
}
