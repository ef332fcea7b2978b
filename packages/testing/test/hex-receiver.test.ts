import { createHexReceiver, createVirtualTime, type HexReceiver } from "@pipehooks/testing";
import { expect, test } from "vitest";

const minute = 60_000;

/** Calls as a client would; answers status, body and headers. */
function callerOf(hex: HexReceiver, token = hex.token) {
  return async (method: string, path: string, body?: unknown) => {
    const response = await fetch(`${hex.url}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${token}` },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = response.headers.get("content-type")?.includes("json") === true;
    return {
      status: response.status,
      headers: response.headers,
      text,
      body: isJson ? JSON.parse(text) : undefined,
    };
  };
}

test("a run goes from PENDING over RUNNING to its end, and startTime is null while it waits", async () => {
  const time = createVirtualTime();
  await using hex = await createHexReceiver({
    now: time.now,
    course: { pendingMs: 5_000, runMs: 60_000 },
  });
  const call = callerOf(hex);
  const [project] = hex.projectIds;

  const started = await call("POST", `/projects/${project}/runs`, {});
  const path = `/projects/${project}/runs/${started.body.runId}`;
  const seen = [];
  for (const ms of [0, 5_000, 60_000]) {
    await time.advance(ms);
    const { status, startTime, endTime, elapsedTime } = (await call("GET", path)).body;
    seen.push([status, startTime === null, endTime === null, elapsedTime]);
  }

  expect(started.status).toBe(201);
  expect(started.body).not.toHaveProperty("status");
  expect(seen).toEqual([
    ["PENDING", true, true, null],
    ["RUNNING", false, true, 0.5],
    ["COMPLETED", false, false, 60_000.5],
  ]);
});

test("a request without a good token is answered 401 and the bare word", async () => {
  await using hex = await createHexReceiver();

  const { status, text } = await callerOf(hex, "hxtp_0")("GET", "/users/me");

  expect([status, text]).toEqual([401, "Unauthorized"]);
});

test("a token that has expired is none", async () => {
  const time = createVirtualTime();
  const token = "hxtp_ab";
  const exp = time.now() / 1000 + 60;
  await using hex = await createHexReceiver({ now: time.now, tokens: [{ token, exp }] });
  const before = await callerOf(hex)("GET", "/users/me");

  await time.advance(minute);

  expect(before.body.token).toEqual({ exp });
  expect((await callerOf(hex)("GET", "/users/me")).status).toBe(401);
});

test("a workspace token tells no more of itself than its workspace", async () => {
  await using hex = await createHexReceiver({ tokens: [{ token: "hxtw_ab" }] });

  const { body } = await callerOf(hex)("GET", "/users/me");

  expect(Object.keys(body).sort()).toEqual(["org", "token"]);
});

test("errors come in all four shapes", async () => {
  await using hex = await createHexReceiver({
    projects: [{ title: "A", inputs: { limit: { dataType: "number", cellType: "slider" } } }],
  });
  const call = callerOf(hex);
  const [project] = hex.projectIds;

  const older = await call("GET", `/projects/${project}/runs/none`);
  const inputs = await call("POST", `/projects/${project}/runs`, {
    inputParams: { limit: "abc", regoin: 1 },
  });
  const newer = await call("GET", "/projects/none");
  const bare = await callerOf(hex, "wrong")("GET", "/projects");

  expect(older).toMatchObject({ status: 404, body: { reason: "Run not found" } });
  expect(older.headers.get("x-trace-id")).toBe(older.body.traceId);
  expect(inputs).toMatchObject({
    status: 422,
    body: {
      invalid: [
        {
          paramName: "limit",
          paramValue: '"abc"',
          dataType: "number",
          inputCellType: "slider",
        },
      ],
      notFound: ["regoin"],
    },
  });
  expect(newer).toMatchObject({ status: 404, body: { code: "NOT_FOUND", issues: [] } });
  expect(bare.text).toBe("Unauthorized");
});

test.for([
  ["inputs together with a refresh", 422, { updatePublishedResults: true, inputParams: {} }],
  ["inputs together with a view", 422, { viewId: "v1", inputParams: {} }],
  ["a view that is not there", 422, { viewId: "v2" }],
  ["an unknown key", 400, { updatecache: true }],
  ["a wrong type", 400, { useCachedSqlResults: "no" }],
  ["a notification without its two needed keys", 400, { notifications: [{ type: "ALL" }] }],
] as const)("a start with %s is refused", async ([, status, body]) => {
  await using hex = await createHexReceiver({ projects: [{ title: "A", views: ["v1"] }] });

  const answer = await callerOf(hex)("POST", `/projects/${hex.projectIds[0]}/runs`, body);

  expect(answer.status).toBe(status);
  expect(hex.runs).toEqual([]);
});

test("an unpublished project, one that may not be edited, and a token that may not run are refused", async () => {
  await using hex = await createHexReceiver({
    projects: [
      { title: "Draft", lastPublishedAt: null },
      { title: "Read only", canEdit: false },
    ],
    tokens: [{ token: "hxtw_aa" }, { token: "hxtw_bb", mayRun: false }],
  });
  const [draft, readOnly] = hex.projectIds;

  const answers = [
    await callerOf(hex)("POST", `/projects/${draft}/runs`, {}),
    await callerOf(hex)("POST", `/projects/${readOnly}/runs`, { updatePublishedResults: true }),
    await callerOf(hex, "hxtw_bb")("POST", `/projects/${readOnly}/runs`, {}),
  ];

  expect(answers.map(({ status }) => status)).toEqual([422, 403, 403]);
});

test("a dry run is validated and runs nothing", async () => {
  await using hex = await createHexReceiver();

  const { status, body } = await callerOf(hex)("POST", `/projects/${hex.projectIds[0]}/runs`, {
    dryRun: true,
  });

  expect(status).toBe(201);
  expect(body.runId).toBeDefined();
  expect(hex.runs).toEqual([]);
});

test("the 61st request is refused until a minute after the first", async () => {
  const time = createVirtualTime();
  await using hex = await createHexReceiver({ now: time.now, retryAfter: true });
  const call = callerOf(hex);
  const statuses = async (count: number) => {
    const seen: number[] = [];
    for (let at = 0; at < count; at += 1) seen.push((await call("GET", "/projects")).status);
    return seen;
  };

  const first = await statuses(60);
  await time.advance(minute - 1);
  const late = await call("GET", "/projects");
  await time.advance(1);
  const [again] = await statuses(1);

  expect(new Set(first)).toEqual(new Set([200]));
  expect([late.status, late.headers.get("retry-after")]).toEqual([429, "60"]);
  expect(again).toBe(200);
});

test("starts are limited to 20 in any minute and 60 in any hour, newer routes to 30 in a minute", async () => {
  const time = createVirtualTime();
  await using hex = await createHexReceiver({
    now: time.now,
    course: { pendingMs: 0, runMs: 1_000 },
  });
  const call = callerOf(hex);
  const path = `/projects/${hex.projectIds[0]}`;
  const startsIn = async (ms: number) => {
    await time.advance(ms);
    let taken = 0;
    while ((await call("POST", `${path}/runs`, {})).status === 201) taken += 1;
    return taken;
  };

  const taken = [await startsIn(0)];
  for (let at = 0; at < 4; at += 1) taken.push(await startsIn(minute));
  const nextHour = await startsIn(57 * minute);
  await time.advance(minute);
  let looks = 0;
  while ((await call("GET", path)).status === 200) looks += 1;

  expect(taken).toEqual([20, 20, 20, 0, 0]);
  expect(nextHour).toBe(20);
  expect(looks).toBe(30);
  expect(hex.peaks.startsPerMinute).toBeGreaterThan(20);
});

test("with 25 kernels taken a start is answered 503 and makes no run", async () => {
  const time = createVirtualTime();
  await using hex = await createHexReceiver({
    now: time.now,
    openNotebooks: 5,
    course: { runMs: 10 * minute },
  });
  const call = callerOf(hex);
  const path = `/projects/${hex.projectIds[0]}/runs`;
  for (let at = 0; at < 20; at += 1) await call("POST", path, {});
  await time.advance(minute);

  const full = await call("POST", path, {});
  await call("DELETE", `${path}/${hex.runs[0]?.runId}`);
  const freed = await call("POST", path, {});

  expect([full.status, freed.status]).toEqual([503, 201]);
  expect(full.body.reason).toMatch(/kernels/);
  expect(hex.peaks.kernels).toBe(20);
});

test("a cancelled run is KILLED, and cancelling it again is refused", async () => {
  await using hex = await createHexReceiver();
  const call = callerOf(hex);
  const path = `/projects/${hex.projectIds[0]}/runs`;
  const { runId } = (await call("POST", path, {})).body;

  const first = await call("DELETE", `${path}/${runId}`);
  const second = await call("DELETE", `${path}/${runId}`);

  expect([first.status, first.text]).toEqual([204, ""]);
  expect(second.status).toBe(422);
  expect((await call("GET", `${path}/${runId}`)).body.status).toBe("KILLED");
});

test("runs are listed newest first, page by page, by status and by what started them", async () => {
  const time = createVirtualTime();
  await using hex = await createHexReceiver({ now: time.now, course: { runMs: 5_000 } });
  const call = callerOf(hex);
  const [project = ""] = hex.projectIds;
  for (let at = 0; at < 5; at += 1) {
    hex.start(project, at === 2 ? "SCHEDULED" : "API");
    await time.advance(3_000);
  }
  const list = async (query: string) =>
    (await call("GET", `/projects/${project}/runs?${query}`)).body;

  const first = await list("limit=2&runTriggerFilter=API");
  const second = await list("limit=2&offset=2&runTriggerFilter=API");
  const running = await list("statusFilter=RUNNING");

  const ids = [...first.runs, ...second.runs].map(({ runId }) => runId);
  const wanted = hex.runs.filter(({ trigger }) => trigger === "API").map(({ runId }) => runId);
  expect(ids).toEqual(wanted.reverse());
  expect([first.nextPage === null, second.nextPage === null]).toEqual([false, true]);
  expect(second.previousPage).toContain("offset=0");
  expect(running.runs).toHaveLength(2);
  expect((await call("GET", `/projects/${project}/runs?limit=101`)).status).toBe(400);
});

test("projects come page by page behind a cursor, forth and back, the archived ones when asked for", async () => {
  const projects = Array.from({ length: 7 }, (_, at) => ({ title: `P${at}` }));
  await using hex = await createHexReceiver({
    projects: [...projects, { title: "Old", archivedAt: "2026-01-01T00:00:00.000Z" }],
  });
  const call = callerOf(hex);
  const list = async (query: string) => (await call("GET", `/projects?limit=3&${query}`)).body;

  const first = await list("");
  const second = await list(`after=${first.pagination.after}`);
  const third = await list(`after=${second.pagination.after}`);
  const back = await list(`before=${second.pagination.before}`);
  const all = (await call("GET", "/projects?limit=100&includeArchived=true")).body;

  const titles = [first, second, third].flatMap(({ values }) =>
    values.map((v: { title: string }) => v.title),
  );
  expect(titles).toEqual(projects.map(({ title }) => title));
  expect(third.pagination.after).toBeNull();
  expect(back.values.map((v: { title: string }) => v.title)).toEqual(["P0", "P1", "P2"]);
  expect(all.values).toHaveLength(8);
  expect((await call("GET", "/projects?after=nonsense")).status).toBe(400);
});

test("lineage is for Enterprise", async () => {
  const projects = [{ title: "A", tables: ["X.Y.Z"] }];
  await using rich = await createHexReceiver({ projects });
  await using poor = await createHexReceiver({ projects, enterprise: false });

  const got = await callerOf(rich)("GET", `/projects/${rich.projectIds[0]}/queriedTables`);
  const refused = await callerOf(poor)("GET", `/projects/${poor.projectIds[0]}/queriedTables`);

  expect(got.body.values).toMatchObject([{ tableName: "X.Y.Z" }]);
  expect(refused).toMatchObject({ status: 403, body: { code: "FORBIDDEN" } });
});

test("a run that refreshes the published results is seen at its project when it is over", async () => {
  const time = createVirtualTime();
  await using hex = await createHexReceiver({ now: time.now });
  const call = callerOf(hex);
  const path = `/projects/${hex.projectIds[0]}`;
  const refreshed = async () => (await call("GET", path)).body.analytics.publishedResultsUpdatedAt;
  await call("POST", `${path}/runs`, { updatePublishedResults: true });

  const before = await refreshed();
  await time.advance(minute);

  expect(before).toBeNull();
  expect(await refreshed()).toBe("2026-01-01T00:00:32.000Z");
});

test("a new run is missing in lists for as long as they lag", async () => {
  const time = createVirtualTime();
  await using hex = await createHexReceiver({ now: time.now, listLagMs: 5_000 });
  const call = callerOf(hex);
  const path = `/projects/${hex.projectIds[0]}/runs`;
  await call("POST", path, {});
  const listed = async () => (await call("GET", path)).body.runs.length;

  const before = await listed();
  await time.advance(5_000);

  expect([before, await listed()]).toEqual([0, 1]);
});

test("a fault can do what was asked and answer something else, or do nothing", async () => {
  await using hex = await createHexReceiver();
  const call = callerOf(hex);
  const path = `/projects/${hex.projectIds[0]}/runs`;

  const statuses: (number | string)[] = [];
  for (const [answer, effect] of [
    [503, true],
    [500, false],
    ["login-page", true],
    ["cut", true],
  ] as const) {
    using _fault = hex.fault({ on: "start", answer, effect });
    const { status = 0, text = "" } = await call("POST", path, {}).catch(() => ({
      status: "cut",
      text: "",
    }));
    statuses.push(text.startsWith("<!doctype") ? "html" : status);
  }

  expect(statuses).toEqual([503, 500, "html", "cut"]);
  expect(hex.runs).toHaveLength(3);
});

test("a fault can hit each third look, a few times only, or change no more than the status", async () => {
  await using hex = await createHexReceiver();
  const call = callerOf(hex);
  const path = `/projects/${hex.projectIds[0]}/runs`;
  const { runId } = (await call("POST", path, {})).body;
  const looks = async (count: number) => {
    const seen = [];
    for (let at = 0; at < count; at += 1) {
      const { status, body } = await call("GET", `${path}/${runId}`);
      seen.push(status === 200 ? body.status : status);
    }
    return seen;
  };

  const thirds = await (async () => {
    using _fault = hex.fault({ on: "look", answer: 500, every: 3, times: 1 });
    return await looks(6);
  })();
  using _fault = hex.fault({ on: "any", answer: "unknown-status" });

  expect(thirds).toEqual(["PENDING", "PENDING", 500, "PENDING", "PENDING", "PENDING"]);
  expect(await looks(1)).toEqual(["PONDERING"]);
});
