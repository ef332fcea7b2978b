import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

/** Answers every POST of JSON with 200, and keeps what it got. */
export interface Receiver {
  readonly server: Server;
  readonly url: string;
  readonly requests: { readonly headers: IncomingHttpHeaders; readonly body: unknown }[];
}

export async function startReceiver(): Promise<Receiver> {
  const requests: Receiver["requests"] = [];
  const server = createServer(async (request, response) => {
    const { headers } = request;
    requests.push({ headers, body: JSON.parse(await text(request)) });
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { server, url: `http://127.0.0.1:${port}/`, requests };
}
