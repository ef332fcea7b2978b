import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";

export interface RawReceiver extends AsyncDisposable {
  readonly url: string;
}

/** Answers whatever it is sent with this text, which need be no HTTP or no whole one, and keeps the connection. */
export async function createRawReceiver(answer: string): Promise<RawReceiver> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {}).once("data", () => socket.write(answer));
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
