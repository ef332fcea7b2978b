import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { createHttpReceiver } from "@pipehooks/testing";
import { expect, test } from "vitest";

const post = (url: string, init: RequestInit = {}) => fetch(url, { method: "POST", ...init });

test("a request is recorded with its raw bytes, headers and connection", async () => {
  await using receiver = await createHttpReceiver();
  const body = Buffer.from([0xff, 0x00, 0x41]);

  await post(`${receiver.url}/a?b=c`, { body, headers: { "X-Name": "value" } });

  expect(receiver.requests).toMatchObject([
    { method: "POST", path: "/a?b=c", body, headers: { "x-name": "value" }, connection: 1 },
  ]);
  expect(receiver.connections).toBe(1);
});

test("a list of answers is gone through, its last one stays; respond starts anew", async () => {
  await using receiver = await createHttpReceiver({
    respond: [503, { status: 429, headers: { "retry-after": "7" }, body: "slow" }, 200],
  });
  const status = async () => (await post(receiver.url)).status;

  expect([await status(), await status(), await status(), await status()]).toEqual([
    503, 429, 200, 200,
  ]);
  receiver.respond((request, index) => (request.path === "/" ? 400 + index : 500));
  expect([await status(), await status()]).toEqual([400, 401]);
});

test("received() waits for so many requests", async () => {
  await using receiver = await createHttpReceiver({ respond: "never" });
  const both = receiver.received(2);
  const requests = [post(receiver.url), post(receiver.url)].map((sent) => sent.catch(() => {}));

  await both;
  expect(receiver.requests).toHaveLength(2);
  await receiver[Symbol.asyncDispose]();
  await Promise.all(requests);
});

test.for(["cut", "garbage", "huge-headers"] as const)("%s is no answer", async (respond) => {
  await using receiver = await createHttpReceiver({ respond });

  await expect(post(receiver.url)).rejects.toThrow();
  expect(receiver.requests).toHaveLength(1);
});

test("short breaks off inside the body", async () => {
  await using receiver = await createHttpReceiver({ respond: "short" });

  const response = await post(receiver.url);

  expect(response.status).toBe(200);
  await expect(response.text()).rejects.toThrow();
});

test("gzip-bomb unpacks to a thousand times its size", async () => {
  await using receiver = await createHttpReceiver({ respond: "gzip-bomb" });

  const response = await post(receiver.url);

  expect((await response.arrayBuffer()).byteLength).toBe(20 * 1024 ** 2);
});

test("endless goes on for as long as one reads", async () => {
  await using receiver = await createHttpReceiver({ respond: "endless" });
  const controller = new AbortController();
  const response = await post(receiver.url, { signal: controller.signal });

  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > 2 * 1024 ** 2) break;
  }

  expect(bytes).toBeGreaterThan(2 * 1024 ** 2);
  controller.abort();
});

test("drip sends a first byte at once, and not the whole", async () => {
  await using receiver = await createHttpReceiver({ respond: "drip" });
  const socket = connect(receiver.port, "127.0.0.1");
  socket.write("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n");

  const [first] = await new Promise<[Buffer]>((resolve) =>
    socket.once("data", (d) => resolve([d])),
  );
  const rest = text(socket);
  await receiver[Symbol.asyncDispose]();

  expect(first.toString() + (await rest)).toBe("H");
});
