import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { type AddressInfo, createServer as createTcpServer, type Socket } from "node:net";
import {
  createJsonApi,
  effectOf,
  HookError,
  type JsonApi,
  type JsonApiError,
  type JsonApiOptions,
  type JsonValue,
  jsonInteger,
} from "@pipehooks/core";
import * as undici from "undici";
import { expect, onTestFinished, test } from "vitest";

const token = "hxtw_0123456789abcdef";

interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

async function listen(server: Server | ReturnType<typeof createTcpServer>): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.close();
    if ("closeAllConnections" in server) server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A server that answers as told, and what it was sent. */
async function receiver(
  answer: (request: Seen, response: ServerResponse) => void,
): Promise<{ url: string; seen: Seen[]; connections: () => number }> {
  const seen: Seen[] = [];
  const sockets = new Set<Socket>();
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { method = "", url = "", headers } = request;
    const one = { method, url, headers, body: Buffer.concat(chunks).toString() };
    seen.push(one);
    answer(one, response);
  });
  server.on("connection", (socket) => sockets.add(socket));
  return { url: await listen(server), seen, connections: () => sockets.size };
}

function open(base: string, options: Partial<JsonApiOptions> = {}): JsonApi {
  const api = createJsonApi(undici, {
    base,
    headers: () => ({ authorization: `Bearer ${token}` }),
    name: "nightly",
    redact: (text) => text.replaceAll(token, "[redacted]"),
    ...options,
  });
  onTestFinished(() => api.dispose());
  return api;
}

function json(response: ServerResponse, status: number, text: string, headers = {}): void {
  response.writeHead(status, { "content-type": "application/json", ...headers }).end(text);
}

async function failureOf(call: Promise<unknown>): Promise<JsonApiError> {
  const error: unknown = await call.then(
    () => new Error("it did not fail"),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof HookError)) throw error;
  return error as JsonApiError;
}

const soon = () => AbortSignal.timeout(5000);

test("a call sends credentials, query and JSON, below the path of the base", async () => {
  const { url, seen } = await receiver((_, response) => json(response, 200, '{"id":7}'));

  const answer = await open(`${url}/api/v1/`).call("POST", "/runs", {
    signal: soon(),
    query: { limit: 5, all: true, status: "[1,2]", none: undefined },
    body: { a: "ä" },
    headers: { "x-more": "1" },
  });

  expect(answer).toMatchObject({ status: 200, json: { id: 7 }, text: '{"id":7}' });
  expect(seen[0]).toMatchObject({
    method: "POST",
    url: "/api/v1/runs?limit=5&all=true&status=%5B1%2C2%5D",
    body: '{"a":"ä"}',
    headers: {
      authorization: `Bearer ${token}`,
      accept: "application/json",
      "content-type": "application/json",
      "x-more": "1",
    },
  });
});

test("an anonymous call sends a form and no credentials", async () => {
  const { url, seen } = await receiver((_, response) => json(response, 200, "{}"));

  await open(url).call("POST", "/token", {
    signal: soon(),
    form: { grant_type: "client_credentials", scope: "all-apis" },
    anonymous: true,
  });

  expect(seen[0]?.headers.authorization).toBeUndefined();
  expect(seen[0]?.headers["content-type"]).toBe("application/x-www-form-urlencoded");
  expect(seen[0]?.body).toBe("grant_type=client_credentials&scope=all-apis");
});

test("integers beyond 2^53 keep every digit on the way in and on the way out", async () => {
  const { url, seen } = await receiver((_, response) =>
    json(
      response,
      200,
      '{"run_id":9223372036854775807,"small":-12,"part":1.5,"all":[10000000000000001]}',
    ),
  );
  const body: JsonValue = { job_id: jsonInteger("9223372036854775807"), n: jsonInteger("12") };

  const answer = await open(url).call("POST", "/run-now", { signal: soon(), body });

  expect(answer.json).toEqual({
    run_id: "9223372036854775807",
    small: -12,
    part: 1.5,
    all: ["10000000000000001"],
  });
  expect(seen[0]?.body).toBe('{"job_id":9223372036854775807,"n":12}');
});

test("an integer for a body must be one", () => {
  expect(() => jsonInteger('1,"x":2')).toThrow('"1,"x":2" is not an integer.');
  expect(() => jsonInteger("")).toThrow("is not an integer");
});

test("an answer without a body is null", async () => {
  const { url } = await receiver((_, response) => void response.writeHead(204).end());

  const answer = await open(url).call("DELETE", "/runs/1", { signal: soon() });

  expect(answer).toMatchObject({ status: 204, json: null, text: "" });
});

test("connections are kept alive between calls", async () => {
  const { url, connections } = await receiver((_, response) => json(response, 200, "{}"));
  const api = open(url);

  for (let call = 0; call < 20; call += 1) await api.call("GET", "/x", { signal: soon() });

  // A second one where a call begins in the very turn in which the one before it ends.
  expect(connections()).toBeLessThanOrEqual(2);
});

test.for([
  [400, "RECEIVER_REFUSED", false, "none", "delivery"],
  [401, "RECEIVER_REFUSED", false, "none", "delivery"],
  [404, "RECEIVER_REFUSED", false, "none", "delivery"],
  [422, "RECEIVER_REFUSED", false, "none", "delivery"],
  [408, "RECEIVER_FAILED", true, "unknown", "delivery"],
  [425, "RECEIVER_FAILED", true, "none", "delivery"],
  [429, "RECEIVER_FAILED", true, "none", "destination"],
  [500, "RECEIVER_FAILED", true, "unknown", "delivery"],
  [502, "RECEIVER_FAILED", true, "unknown", "delivery"],
  [503, "RECEIVER_FAILED", true, "unknown", "destination"],
  [307, "REDIRECT_REFUSED", false, "none", "delivery"],
  [303, "REDIRECT_REFUSED", false, "unknown", "delivery"],
] as const)(
  "an answer of %i is %s, retryable: %s, effect: %s, about the %s",
  async ([status, code, retryable, effect, scope]) => {
    const { url } = await receiver((_, response) =>
      json(response, status, `{"reason":"no ${token}"}`, { location: "https://elsewhere.example" }),
    );

    const error = await failureOf(
      open(url).call("POST", "/runs?key=secret", { signal: soon(), query: { a: "secret" } }),
    );

    expect(error).toMatchObject({ code, retryable, effect, scope });
    expect(error.message).toMatch(
      new RegExp(`^nightly: 127\\.0\\.0\\.1:\\d+ answered ${status}.* \\(POST /runs\\)\\.$`),
    );
    expect(error.answer).toEqual({ status, body: '{"reason":"no [redacted]"}' });
    expect(error.received?.json).toEqual({ reason: `no ${token}` });
    expect(effectOf(error)).toBe(effect);
  },
);

test("a redirect is not followed", async () => {
  const { url, seen } = await receiver((_, response) =>
    json(response, 302, "{}", { location: "/login.html" }),
  );

  await failureOf(open(url).call("GET", "/runs", { signal: soon() }));

  expect(seen).toHaveLength(1);
});

test("Retry-After is told in milliseconds, as seconds and as a date", async () => {
  const now = Date.UTC(2026, 0, 1);
  const { url } = await receiver(({ url: path }, response) =>
    json(response, 429, "{}", {
      "retry-after": path === "/date" ? new Date(now + 90_000).toUTCString() : "7",
    }),
  );
  const api = open(url, { now: () => now });

  const seconds = await failureOf(api.call("GET", "/seconds", { signal: soon() }));
  const date = await failureOf(api.call("GET", "/date", { signal: soon() }));

  expect([seconds.retryAfterMs, date.retryAfterMs]).toEqual([7000, 90_000]);
});

test("what an answer explains stands in the message, without secrets", async () => {
  const { url } = await receiver((_, response) =>
    json(response, 403, `{"status":{"user_message":"Token ${token} is not scoped to account."}}`),
  );
  const api = open(url, {
    explain: ({ json: body }) => {
      const { status } = body as { status: { user_message: string } };
      return status.user_message;
    },
  });

  const error = await failureOf(api.call("GET", "/runs", { signal: soon() }));

  expect(error.message).toContain("answered 403: Token [redacted] is not scoped to account (GET");
});

test("an answer that is no JSON may explain itself, too", async () => {
  const { url } = await receiver(
    (_, response) =>
      void response.writeHead(400, { "content-type": "text/plain" }).end("No such run.\n"),
  );
  const api = open(url, { explain: ({ json: body, text }) => `${text.trim()} (${body})` });

  const error = await failureOf(api.call("GET", "/runs", { signal: soon() }));

  expect(error.message).toContain("answered 400: No such run. (null) (GET");
});

test("an HTML page with 200 is a failure of which the effect is unknown", async () => {
  const { url } = await receiver(
    (_, response) =>
      void response
        .writeHead(200, { "content-type": "text/html; charset=utf-8" })
        .end("<html>Please log in</html>"),
  );

  const error = await failureOf(open(url).call("POST", "/runs", { signal: soon() }));

  expect(error).toMatchObject({ code: "RECEIVER_FAILED", retryable: true, effect: "unknown" });
  expect(error.message).toContain("answered 200 with text/html that is no JSON");
});

test("a plain call takes an answer that is no JSON", async () => {
  const { url } = await receiver((_, response) => void response.writeHead(200).end("line 1"));

  const answer = await open(url).call("GET", "/log", { signal: soon(), plain: true });

  expect(answer).toMatchObject({ json: null, text: "line 1" });
});

test.for([undefined, 1000])("an answer over the cap (%s) is cut", async (mostBytes) => {
  const { url } = await receiver((_, response) =>
    json(response, 200, `["${"x".repeat((mostBytes ?? 4 * 1024 * 1024) + 1)}"]`),
  );

  const error = await failureOf(open(url).call("GET", "/list", { signal: soon(), mostBytes }));

  expect(error).toMatchObject({ code: "RECEIVER_FAILED", effect: "unknown" });
  expect(error.message).toContain(
    `answered more than ${mostBytes === undefined ? "4096" : "1"} KB`,
  );
});

test("a refused connection has no effect", async () => {
  const server = createTcpServer();
  const url = await listen(server);
  await new Promise((resolve) => server.close(resolve));

  const error = await failureOf(open(url).call("POST", "/runs", { signal: soon() }));

  expect(error).toMatchObject({ code: "RECEIVER_UNREACHABLE", retryable: true, effect: "none" });
});

test("a name that does not exist has no effect", async () => {
  const api = open("https://nowhere.invalid");

  const error = await failureOf(api.call("POST", "/runs", { signal: soon() }));

  expect(error).toMatchObject({ code: "RECEIVER_UNREACHABLE", effect: "none" });
});

test("a TLS handshake that fails has no effect, and is not tried again by itself", async () => {
  let connections = 0;
  const server = createTcpServer((socket) => {
    connections += 1;
    socket.destroy();
  });
  const url = (await listen(server)).replace("http:", "https:");

  const error = await failureOf(open(url).call("POST", "/runs", { signal: soon() }));

  expect(error).toMatchObject({ code: "RECEIVER_UNREACHABLE", effect: "none" });
  expect(connections).toBe(1);
});

test.for([
  ["before the answer", ""],
  ["in its head", "HTTP/1.1 200 OK\r\ncontent-"],
  ["in its body", "HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\n{"],
] as const)("a connection that is cut %s may have had its effect", async ([, written]) => {
  const server = createTcpServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => socket.end(written));
  });
  const url = await listen(server);

  const error = await failureOf(open(url).call("POST", "/runs", { signal: soon() }));

  expect(error).toMatchObject({ retryable: true, effect: "unknown" });
});

test("a refusal whose body is cut is a refusal all the same", async () => {
  const server = createTcpServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => socket.end("HTTP/1.1 429 Slow\r\ncontent-length: 20\r\n\r\n{"));
  });
  const url = await listen(server);

  const error = await failureOf(open(url).call("POST", "/runs", { signal: soon() }));

  expect(error.effect).toBe("none");
});

test("an answer that drips ends with the signal", async () => {
  const { url } = await receiver((_, response) => {
    response.writeHead(200, { "content-type": "application/json" });
    const timer = setInterval(() => response.write(" "), 20);
    response.on("close", () => clearInterval(timer));
  });

  const error = await failureOf(
    open(url).call("POST", "/runs", { signal: AbortSignal.timeout(150) }),
  );

  expect(error).toMatchObject({ code: "TIMEOUT", retryable: true, effect: "unknown" });
});

test("what is aborted before it is sent has no effect", async () => {
  const { url, seen } = await receiver((_, response) => json(response, 200, "{}"));

  const error = await failureOf(open(url).call("POST", "/runs", { signal: AbortSignal.abort() }));

  expect(error).toMatchObject({ code: "ABORTED", effect: "none" });
  expect(seen).toEqual([]);
});

test("what is aborted while its connection is being opened is never sent", async () => {
  const { url, seen } = await receiver((_, response) => json(response, 200, "{}"));
  const api = open(url);
  const controller = new AbortController();

  const call = failureOf(api.call("POST", "/runs", { signal: controller.signal }));
  await Promise.resolve().then(() => controller.abort());
  const error = await call;
  await api.call("GET", "/after", { signal: soon() });

  expect(error.effect).toBe("none");
  expect(seen.map((one) => one.url)).toEqual(["/after"]);
});

test("credentials that cannot be had are a failure without effect", async () => {
  const { url } = await receiver((_, response) => json(response, 503, "{}"));
  const api = open(url, {
    headers: async () => {
      const answer = await api.call("POST", "/token", { signal: soon(), anonymous: true });
      return { authorization: String(answer.json) };
    },
  });

  const error = await failureOf(api.call("POST", "/runs", { signal: soon() }));

  expect(error).toMatchObject({ code: "RECEIVER_FAILED", retryable: true, effect: "none" });
  expect(error.message).toContain("(POST /token)");
});

test.for([
  ["http://api.example.com", "plain http"],
  ["ftp://api.example.com", "is no https URL"],
  ["api.example.com", "is no https URL"],
] as const)("the base %s is refused", ([base, why]) => {
  expect(() => open(base)).toThrow(why);
});

test("plain http to another machine is taken where it is allowed", () => {
  expect(() => open("http://api.example.com", { allowHttp: true })).not.toThrow();
});

test("a disposed API lets running calls end, and refuses new ones", async () => {
  const { url } = await receiver((_, response) => {
    setTimeout(() => json(response, 200, "[1]"), 50);
  });
  const api = open(url);

  const running = api.call("GET", "/x", { signal: soon() });
  const disposed = api.dispose();
  const error = await failureOf(api.call("GET", "/y", { signal: soon() }));
  await disposed;

  expect((await running).json).toEqual([1]);
  expect(error).toMatchObject({ code: "CLOSED", effect: "none" });
  await api.dispose();
});
