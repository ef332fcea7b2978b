import {
  createLocalValues,
  type HookContext,
  type JsonValue,
  type Severity,
} from "@pipehooks/core";
import { createTestEvent } from "@pipehooks/testing";
import { describe, expect, test } from "vitest";
import { failedEvent, incident, openPostOffice } from "./post-office.ts";

// Who was told of a failure is told of its end.

const options = { toBySeverity: { critical: "oncall@example.com", info: "log@example.com" } };

/** What processes share by the store. */
function shared() {
  const values = createLocalValues();
  let stored: JsonValue | undefined;
  const context: Partial<HookContext> = {
    shared: (name) => ({
      async update(reduce) {
        await values(name).update((value) => {
          stored = reduce(value);
          return stored;
        });
      },
    }),
  };
  return { context, stored: () => stored };
}

test("by severity, over a restart; then it is forgotten", async () => {
  const { context, stored } = shared();
  await using before = await openPostOffice(options, { context });
  await before.deliver(incident("opened"));
  await using after = await openPostOffice(options, { context });
  await after.deliver(incident("resolved"));

  expect(before.server.mails[0]?.to).toEqual(["oncall@example.com"]);
  expect(after.server.mails[0]?.to).toEqual(["oncall@example.com"]);
  expect(stored()).toBeUndefined();
});

test("all of them, where it got worse meanwhile", async () => {
  const { context } = shared();
  await using office = await openPostOffice(options, { context });
  const mild = failedEvent({ error: { message: "slow", severity: "WARNING" } });
  await office.deliver(incident("opened", { event: mild }));
  await office.deliver(incident("reminder", { alert: { count: 2 } }));
  await office.deliver(incident("resolved", { alert: { count: 3 } }));

  expect(office.server.mails.map(({ to }) => to)).toEqual([
    ["team@example.com"],
    ["team@example.com", "oncall@example.com"],
    ["team@example.com", "oncall@example.com"],
  ]);
});

test("of no more than 500 incidents something is kept", async () => {
  const { context, stored } = shared();
  await using office = await openPostOffice(options, { context });
  // Put off, so that nothing but the memory takes time.
  office.server.fault({ on: "mailFrom", answer: "450 4.3.0 later" });
  for (let index = 0; index < 505; index += 1) {
    await office.failure(incident("opened", { alert: { incident: `i${index}` } }));
  }

  expect(Object.keys(stored() ?? {})).toHaveLength(500);
});

test("an incident of which nothing is known is that of an error", async () => {
  await using office = await openPostOffice({
    toBySeverity: { error: "errors@example.com" },
  });

  await office.deliver(incident("resolved"));

  expect(office.server.mails[0]?.to).toEqual(["errors@example.com"]);
});

describe("a thread of one's own", () => {
  const toBySeverity = { critical: "oncall@example.com", warning: "watch@example.com" };
  const metadata = { team: "data" };

  /** Tells of the failure of a pipeline, or of its end. */
  function failureOf(pipeline: string, severity: Severity) {
    const error = { message: "m", severity };
    const event = failedEvent({ pipeline, runId: "run_1", metadata, error });
    return incident("opened", {
      event,
      key: pipeline,
      alert: { key: pipeline, incident: pipeline },
    });
  }
  function endOf(pipeline: string) {
    const event = createTestEvent({ pipeline, runId: "run_2", metadata });
    return incident("resolved", {
      event,
      key: pipeline,
      alert: { key: pipeline, incident: pipeline },
    });
  }

  test("that two incidents share does not tell those of one of the other", async () => {
    await using office = await openPostOffice({ thread: "${metadata.team}", toBySeverity });

    await office.deliver(failureOf("orders", "CRITICAL"));
    await office.deliver(failureOf("stock", "WARNING"));
    await office.deliver(endOf("orders"));
    await office.deliver(endOf("stock"));

    expect(office.server.mails.map(({ to }) => to)).toEqual([
      ["oncall@example.com"],
      ["watch@example.com"],
      ["oncall@example.com"],
      ["watch@example.com"],
    ]);
  });

  test("that ends before the incident does not forget who was told of it", async () => {
    await using office = await openPostOffice({ thread: "${pipeline} ${runId:-}", toBySeverity });

    await office.deliver(failureOf("orders", "CRITICAL"));
    await office.deliver(endOf("orders"));

    expect(office.server.mails.map(({ to }) => to)).toEqual([
      ["oncall@example.com"],
      ["oncall@example.com"],
    ]);
  });
});
