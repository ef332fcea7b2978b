import type { Dispatcher, Pool } from "undici";

/** Posts one event as JSON; resolves when the answer was read. */
export type Post = (event: object) => Promise<void>;

const headers = { "content-type": "application/json" };

/** `request` is undici's own call; `dispatch` its lowest one, with the smallest handler that there can be. */
export function createPost(pool: Pool, path: string, how: "request" | "dispatch"): Post {
  if (how === "request") {
    return async (event) => {
      const answer = await pool.request({
        path,
        method: "POST",
        headers,
        body: JSON.stringify(event),
      });
      await answer.body.dump();
      if (answer.statusCode !== 200) throw new Error(`answered ${answer.statusCode}`);
    };
  }
  return (event) =>
    new Promise((resolve, reject) => {
      const handler: Dispatcher.DispatchHandler = {
        onRequestStart() {},
        onResponseStart(_controller, status) {
          if (status !== 200) reject(new Error(`answered ${status}`));
        },
        onResponseData() {},
        onResponseEnd: () => resolve(),
        onResponseError: (_controller, error) => reject(error),
      };
      pool.dispatch({ path, method: "POST", headers, body: JSON.stringify(event) }, handler);
    });
}
