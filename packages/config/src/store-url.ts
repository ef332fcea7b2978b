import { isAbsolute, resolve } from "node:path";
import type { Report } from "./report.ts";

export const defaultStoreUrl = "sqlite:.pipehooks/pipehooks.db";

/** A store's URL with its path made absolute; undefined (reported) when it is none. */
export function toStoreUrl(url: string, folder: string, report: Report): string | undefined {
  const steps = ["store"];
  if (url === "memory:" || url === "memory") return "memory:";
  const [, scheme = "", rest = ""] = /^([a-z]+):(.*)$/is.exec(url) ?? [];
  if (scheme === "sqlite") {
    const path = rest.replace(/^\/\/(?=\/)/, "");
    if (path === "" || path === ":memory:") {
      report({
        steps,
        message:
          path === ""
            ? '"store" names no file behind sqlite:.'
            : "SQLite in memory is no store here.",
        suggestion: path === "" ? defaultStoreUrl : "memory:",
      });
      return undefined;
    }
    return `sqlite:${isAbsolute(path) ? path : resolve(folder, path)}`;
  }
  if (/^postgres(?:ql)?$/.test(scheme)) {
    report({
      steps,
      message: "postgres: stores are not in this version. Use sqlite:PATH or memory:.",
    });
    return undefined;
  }
  report({
    steps,
    message: '"store" must be sqlite:PATH or memory:.',
    suggestion: suggest(url),
  });
  return undefined;
}

function suggest(url: string): string | undefined {
  if (url === "sqlite") return defaultStoreUrl;
  return /^[^:]+\.(?:db|sqlite3?)$/.test(url) ? `sqlite:${url}` : undefined;
}
