/** What a workspace's host is written as, taken apart. */
export interface HexBase {
  /** Such as `https://app.hex.tech/api/v1`, without a slash at its end. */
  readonly url: string;
  readonly host: string;
}

/**
 * The API's base of a host as people write it: `acme.hex.tech`, with or without scheme and `/api/v1`.
 * @throws Error saying what is wrong
 */
export function parseHexHost(text: string, allowHttp = false): HexBase {
  const written = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `https://${text}`;
  if (!URL.canParse(written)) throw new Error('is no host; write it like "acme.hex.tech"');
  const { protocol, host, pathname, search, hash, username, password } = new URL(written);
  if (protocol !== "https:" && !(allowHttp && protocol === "http:")) {
    throw new Error("is not https, and a token must not travel in the open");
  }
  if (username !== "" || password !== "") throw new Error('has a user in it; use "token"');
  if (search !== "" || hash !== "" || !/^\/(?:api(?:\/v1)?\/?)?$/.test(pathname)) {
    throw new Error('has more than a host in it; write it like "acme.hex.tech"');
  }
  return { url: `${protocol}//${host}/api/v1`, host };
}
