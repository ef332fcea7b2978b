import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

export interface Receiver {
  readonly url: string;
  close(): void;
}

/** Stands for the dead man's switch: says what it gets, and is busy at first. */
export async function startReceiver(): Promise<Receiver> {
  let isBusy = true;
  const server = createServer(async (request, response) => {
    const body = await text(request);
    const status = isBusy ? 503 : 200;
    isBusy = false;
    const [path = ""] = (request.url ?? "").split("?");
    console.log(`check    ${status} ${path.replace(secret, "…")} ${body}`.trimEnd());
    response.writeHead(status).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/${secret}`, close: () => server.close() };
}

const secret = "5f3bd2a0-8c1e-4d7a-9c55-0f6f2b1c7e11";
