import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { verifyWebhook } from "@pipehooks/webhook";

export interface Receiver {
  readonly url: string;
  readonly secret: string;
  close(): void;
}

/** Stands for the service that the webhooks go to: takes what is signed with the shared secret. */
export async function startReceiver(): Promise<Receiver> {
  const secret = `whsec_${randomBytes(32).toString("base64")}`;
  const server = createServer(async (request, response) => {
    const body = await buffer(request);
    const webhook = verifyWebhook({ headers: request.headers, body, secrets: [secret] });
    if (webhook !== undefined) {
      console.log(`receiver      ${request.url} signature good: ${shown(body.toString())}`);
    }
    response.writeHead(webhook === undefined ? 401 : 204).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, secret, close: () => server.close() };
}

function shown(body: string): string {
  const { text, type, data } = JSON.parse(body);
  return text ?? `${type} ${JSON.stringify(data.metadata)}`;
}
