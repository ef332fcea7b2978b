import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { verifyWebhook } from "@pipehooks/webhook";
import type { ReceivedRequest } from "./receiver.ts";

const secrets = [process.env.WEBHOOK_SECRET ?? ""];
// One answer for each request to /ops; when they are used up it is well again.
const troubles = [503, 500];
let isMended = false;

const server = createServer(async (request, response) => {
  const path = request.url ?? "";
  const body = await buffer(request);
  // Over the raw bytes, before any parser.
  const webhook = verifyWebhook({ headers: request.headers, body, secrets });
  const status = webhook === undefined ? 401 : statusFor(path);
  const headers: Record<string, string> = status === 503 ? { "retry-after": "1" } : {};
  report(
    {
      path,
      signature: webhook === undefined ? "bad" : "good",
      id: webhook?.id ?? "",
      body: body.toString(),
      answer: status === 503 ? "503, Retry-After: 1" : String(status),
    },
    () => response.writeHead(status, headers).end(),
  );
});

function statusFor(path: string): number {
  if (path === "/ops") return troubles.shift() ?? 200;
  return isMended ? 200 : 403;
}

function report(request: ReceivedRequest, then: () => void): void {
  process.send?.(request, then);
}

process.on("message", () => {
  isMended = true;
  process.send?.("mended");
});
// The parent is gone, however it ended.
process.on("disconnect", () => process.exit());
server.listen(0, "127.0.0.1", () => {
  const { port } = server.address() as AddressInfo;
  process.send?.(`http://127.0.0.1:${port}`);
});
