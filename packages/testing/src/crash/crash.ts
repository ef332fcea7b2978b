import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { bundle } from "./bundle.ts";
import type { LastWords, Life, StoreCall } from "./life.ts";

/** When a process is killed: by itself at a call of its store, or from outside once something is so. */
export type Death = StoreCall | (() => boolean);

/** Machines that test have few processors. */
const mostAtOnce = 2;
const lookMs = 2;

/**
 * Runs a program on one store again and again: it is killed once at each of the deaths, one after the other, and then left
 * alone. Answers what it says in the end.
 * @param story.program a program that calls `live`
 * @throws Error where a process ended before its death
 */
export async function crash<Options>(story: {
  readonly program: URL;
  readonly life: Omit<Life<Options>, "path" | "dies">;
  readonly deaths: readonly Death[];
  /** Called behind the last death, before the process that lives on. */
  readonly survived?: () => void;
}): Promise<LastWords> {
  const { life, deaths, survived = () => {} } = story;
  return inTurn(async () => {
    const program = await bundle(story.program);
    const folder = await mkdtemp(join(tmpdir(), "pipehooks-crash-"));
    const path = join(folder, "pipehooks.db");
    try {
      for (const death of deaths) {
        const dies = typeof death === "function" ? undefined : death;
        const child = start(program, { ...life, path, dies });
        if (typeof death === "function") await child.killOnce(death);
        const { signal, said } = await child.ended;
        if (signal === "SIGKILL") continue;
        throw new Error(`The process ended before it was to die: ${JSON.stringify(dies)} ${said}`);
      }
      survived();
      const { code, said } = await start(program, { ...life, path }).ended;
      if (code !== 0) throw new Error(`The last process ended with ${code}: ${said}`);
      return JSON.parse(said) as LastWords;
    } finally {
      await rm(folder, { recursive: true });
    }
  });
}

interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly said: string;
}

function start(program: string, life: Life<unknown>) {
  const child = spawn(process.execPath, [program, JSON.stringify(life)], {
    stdio: ["ignore", "pipe", "pipe"],
    // Most of a short life goes into reading the program.
    env: { ...process.env, NODE_COMPILE_CACHE: join(tmpdir(), "pipehooks-compiled") },
  });
  let said = "";
  let over = false;
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
  }
  const ended = new Promise<Ended>((resolve) => {
    child.on("close", (code, signal) => {
      over = true;
      resolve({ code, signal, said });
    });
  });
  return {
    ended,
    async killOnce(isTime: () => boolean): Promise<void> {
      while (!over && !isTime()) await sleep(lookMs);
      child.kill("SIGKILL");
    },
  };
}

const waiting: (() => void)[] = [];
let running = 0;

async function inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
  if (running < mostAtOnce) running += 1;
  else await new Promise<void>((resolve) => waiting.push(resolve));
  try {
    return await work();
  } finally {
    const next = waiting.shift();
    // Its place goes on to the next one.
    if (next === undefined) running -= 1;
    else next();
  }
}
