import { setTimeout } from "node:timers/promises";
import type { Answering, HttpAnswer } from "../http.ts";

/** What goes wrong with some calls. */
export interface DatabricksFault {
  /**
   * Path of the call without version: `jobs/run-now`, `jobs/runs/get`, `sql/statements`, `oidc/v1/token`. What the driver
   * calls is below `thrift/`: `thrift/OpenSession`, `thrift/ExecuteStatement`.
   */
  readonly on: string;
  /**
   * `html-login`: a page with status 200, as a private link gives; `unknown-state`: a run in a state that nobody knows;
   * `slow`: what would be answered anyway, {@link DatabricksFault.delayMs} later. Everything else as `createHttpReceiver` takes it, such as 503, `cut`, `drip`, `never`.
   */
  readonly answer: Answering | "html-login" | "unknown-state" | "slow";
  /** How late `slow` is, in real milliseconds. @default 1_000 */
  readonly delayMs?: number;
  /** Whether the call has its effect all the same. @default false */
  readonly effect?: boolean;
  /** Only every so many calls, the first one that counts being this one. @default 1 */
  readonly every?: number;
  /** How often in all. @default without end */
  readonly times?: number;
}

/** What is answered instead of what `answer` would. */
export async function spoil(
  fault: DatabricksFault,
  answer: () => Promise<HttpAnswer>,
): Promise<Answering> {
  if (fault.answer === "unknown-state") return toUnknownState(await answer());
  if (fault.answer === "slow") {
    const late = await answer();
    await setTimeout(fault.delayMs ?? 1_000);
    return late;
  }
  if (fault.effect === true) await answer();
  return fault.answer === "html-login" ? loginPage : fault.answer;
}

const loginPage: HttpAnswer = {
  status: 200,
  headers: { "content-type": "text/html; charset=utf-8" },
  body: "<!doctype html><html><head><title>Databricks - Sign In</title></head><body></body></html>",
};

function toUnknownState(answer: HttpAnswer): HttpAnswer {
  const body = String(answer.body)
    .replace(/"status":\{"state":"\w+"[^}]*\}*/, '"status":{"state":"HIBERNATING"}')
    .replace(/"life_cycle_state":"\w+"/, '"life_cycle_state":"HIBERNATING"')
    .replace(/"result_state":"\w+",?/, "");
  return { ...answer, body };
}
