import { type AddressInfo, createServer, type Socket } from "node:net";

// Speaks just enough HTTP/1.1, so that the receiver is not what limits the sender on a machine with two cores.
const answer =
  "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 2\r\nconnection: keep-alive\r\n\r\nok";
const headEnd = "\r\n\r\n";

function serve(socket: Socket): void {
  socket.setNoDelay(true);
  let pending: Buffer = Buffer.alloc(0);
  socket.on("data", (chunk: Buffer) => {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    for (;;) {
      const end = pending.indexOf(headEnd);
      if (end < 0) return;
      const length = /content-length: (\d+)/i.exec(pending.toString("latin1", 0, end))?.[1];
      const next = end + headEnd.length + Number(length ?? 0);
      if (pending.length < next) return;
      pending = pending.subarray(next);
      socket.write(answer);
    }
  });
  socket.on("error", () => socket.destroy());
}

const server = createServer(serve);
server.listen(0, "127.0.0.1", () => process.send?.((server.address() as AddressInfo).port));
process.on("disconnect", () => process.exit(0));
