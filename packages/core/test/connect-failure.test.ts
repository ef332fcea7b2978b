import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { ConnectFailure, describeFailure } from "@pipehooks/core";
import { request } from "undici";
import { expect, test } from "vitest";

/** What undici throws where a server answers this text to whatever it is sent. */
async function failureOf(answer: string): Promise<unknown> {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => socket.write(answer));
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  try {
    await request(`http://127.0.0.1:${port}/`, { method: "POST", body: "x" });
    return expect.fail("it was answered");
  } catch (error) {
    return error;
  } finally {
    server.close();
  }
}

test.for(["hello world\r\n\r\n", "SSH-2.0-OpenSSH_9.9\r\n", "HTTP/1.1 abc OK\r\n\r\n"])(
  "%j is an answer that is no HTTP, with or without a code",
  async (answer) => {
    const error = await failureOf(answer);

    for (const thrown of [error, new ConnectFailure("through a proxy", { cause: error })]) {
      expect(describeFailure(thrown)).toMatchObject({ code: "RECEIVER_FAILED", retryable: true });
      expect(describeFailure(thrown).what).toMatch(/^answered something that is no HTTP \(\w+\)$/);
    }
  },
);

test.for([
  ["100 Continue", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"],
  [
    "101 Switching Protocols",
    "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n",
  ],
] as const)(
  "%s that was not asked for is told from a closed connection",
  async ([name, answer]) => {
    const failure = describeFailure(await failureOf(answer));

    expect(failure).toMatchObject({ code: "RECEIVER_FAILED", retryable: true });
    expect(failure.what).toMatch(new RegExp(`^answered ${name} unasked`));
  },
);

test("a connection that is closed without an answer stays unreachable", () => {
  const error = Object.assign(new Error("other side closed"), { code: "UND_ERR_SOCKET" });

  expect(describeFailure(error)).toMatchObject({
    code: "RECEIVER_UNREACHABLE",
    what: "closed the connection before it had answered (UND_ERR_SOCKET)",
  });
});
