import { createHash, createHmac } from "node:crypto";
import type { ReceivedRequest } from "./http.ts";

/** Why a request is not taken: the error's name and its text. */
export interface SignatureRefusal {
  readonly type: string;
  readonly message: string;
}

const form =
  /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/;

/** Checks Signature Version 4 (https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html). */
export function checkSignature(
  request: ReceivedRequest,
  secrets: ReadonlyMap<string, string>,
): SignatureRefusal | undefined {
  const authorization = request.headers.authorization;
  if (authorization === undefined) {
    return { type: "MissingAuthenticationTokenException", message: "Missing Authentication Token" };
  }
  const [, accessKeyId = "", date = "", region = "", service = "", names = "", signature] =
    form.exec(authorization) ?? [];
  if (signature === undefined || service !== "logs") {
    return { type: "IncompleteSignatureException", message: "Authorization header requires logs" };
  }
  const secret = secrets.get(accessKeyId);
  if (secret === undefined) {
    return {
      type: "UnrecognizedClientException",
      message: "The security token included in the request is invalid.",
    };
  }
  const [path = "/", query = ""] = request.path.split("?");
  const canonical = [
    request.method,
    path,
    query,
    ...names.split(";").map((name) => `${name}:${(request.headers[name] ?? "").trim()}`),
    "",
    names,
    createHash("sha256").update(request.body).digest("hex"),
  ].join("\n");
  const text = [
    "AWS4-HMAC-SHA256",
    request.headers["x-amz-date"],
    `${date}/${region}/${service}/aws4_request`,
    createHash("sha256").update(canonical).digest("hex"),
  ].join("\n");
  const key = [date, region, service, "aws4_request"].reduce<string | Buffer>(
    (under, part) => hmac(under, part),
    `AWS4${secret}`,
  );
  if (hmac(key, text).toString("hex") === signature) return undefined;
  return {
    type: "InvalidSignatureException",
    message: "The request signature we calculated does not match the signature you provided.",
  };
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}
