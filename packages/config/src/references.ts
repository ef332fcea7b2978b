import { isUtf8 } from "node:buffer";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { nearest } from "@pipehooks/core";
import type { MissingReference } from "./loaded.ts";
import type { Problems } from "./problem.ts";
import { strangerMessage, strangerSuggestion, type Templates } from "./stranger.ts";
import type { ScalarTree } from "./tree.ts";

type Part =
  | { readonly type: "literal"; readonly text: string }
  | { readonly type: "outside"; readonly inner: string; readonly at: number }
  | { readonly type: "template"; readonly inner: string; readonly at: number };

export interface ResolvedText {
  readonly text: string;
  /** Whether the text came from outside whole, so that it may stand for a number or a boolean. */
  readonly outside: boolean;
  /** Values in it that are secrets if the text stays a text. */
  readonly values: readonly string[];
}

export interface References {
  /**
   * The text with `${env:…}` and `${file:…}` replaced; undefined when one of them is missing (reported). In a template
   * `${path}` stays, to be read from the event; elsewhere it is a mistake.
   */
  resolve(tree: ScalarTree, place: ReferencePlace): ResolvedText | undefined;
}

/** Where a text stands that may hold references. */
export interface ReferencePlace {
  readonly path: string;
  /** Whether the text is a template. */
  readonly template: boolean;
  /** Which options are, where it is none. */
  readonly templates?: Templates | undefined;
}

/** Reads `${env:NAME}`, `${env:NAME:-default}` and `${file:path}`; paths are relative to `folder`. */
export function createReferences(context: {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly folder: string;
  readonly problems: Problems;
  readonly standIn?: ((missing: MissingReference) => string) | undefined;
}): References {
  const { env, folder, problems, standIn } = context;
  const files = new Map<string, Lookup>();

  function look(inner: string, path: string): Lookup {
    const [scheme = "", rest = ""] = splitOnce(inner, ":");
    const [name = "", fallback] = splitOnce(rest, ":-");
    if (name.trim() === "" && scheme === "file") return { problem: "${file:} names no file." };
    const found = scheme === "env" ? lookInEnv(name.trim()) : lookInFile(name.trim());
    // As in a shell: `:-` also replaces what is there but empty.
    if (fallback !== undefined && (found.value === undefined || found.value === "")) {
      return { value: fallback, inFile: true };
    }
    const isThere = found.value !== undefined && found.value !== "";
    if (!isThere && found.what !== undefined && standIn !== undefined) {
      return { value: standIn({ reference: inner, path }), what: found.what };
    }
    if (found.value === "") return { problem: `${found.what} is empty.` };
    return found;
  }

  function lookInEnv(name: string): Lookup {
    const what = `The environment variable ${name}`;
    if (!/^[A-Za-z_]\w*$/.test(name)) {
      return { problem: `"${name}" is no name of an environment variable.` };
    }
    const value = env[name];
    if (value !== undefined) return { value, what };
    return {
      what,
      problem: `${what} is not set. Set it, or write a default: \${env:${name}:-…}.`,
      suggestion: suggestVariable(name, env),
    };
  }

  function lookInFile(name: string): Lookup {
    const before = files.get(name);
    if (before !== undefined) return before;
    const lookup = readSecretFile(resolve(folder, name), name);
    files.set(name, lookup);
    return lookup;
  }

  return {
    resolve(tree, { path, template, templates }) {
      const written = String(tree.value);
      if (!written.includes("${")) return { text: written, outside: false, values: [] };
      const report = (index: number, message: string, suggestion?: string) => {
        problems.add({ at: tree.offsetOf?.(index) ?? tree.at, path, message, suggestion });
      };
      const parts = parseParts(written);
      if (parts === undefined) {
        report(
          written.lastIndexOf("${"),
          "A `${` is not closed by `}`. A literal ${ is written $${.",
        );
        return undefined;
      }

      const pieces: Part[] = [];
      const values: string[] = [];
      let sound = true;
      for (const part of parts) {
        if (part.type === "literal") {
          pieces.push(part);
        } else if (part.inner.includes("${")) {
          sound = false;
          report(part.at, "A ${…} cannot stand inside another. Write a plain default.");
        } else if (part.type === "template") {
          pieces.push(part);
          if (template) continue;
          sound = false;
          report(part.at, strangerMessage(part.inner, templates), strangerSuggestion(part.inner));
        } else {
          const found = look(part.inner, path);
          if (found.value === undefined) {
            sound = false;
            report(part.at, found.problem ?? "", found.suggestion);
            continue;
          }
          if (found.inFile !== true) values.push(found.value);
          pieces.push({ type: "literal", text: found.value });
        }
      }
      if (!sound) return undefined;

      const outside = parts.every((part) => part.type === "outside");
      if (!template) return { text: joinLiterals(pieces), outside, values };
      const text = joinTemplate(pieces);
      if (text === undefined) {
        report(
          0,
          "A value that ends in $ cannot stand directly before a ${…}. Put a character between.",
        );
        return undefined;
      }
      return { text, outside, values };
    },
  };
}

interface Lookup {
  readonly value?: string;
  /** The value stands in the configuration file itself, so it is no secret. */
  readonly inFile?: boolean;
  /** What was looked for; absent where it has no name that could be. */
  readonly what?: string;
  readonly problem?: string;
  readonly suggestion?: string | undefined;
}

function readSecretFile(file: string, name: string): Lookup {
  const what = `The file ${name}`;
  try {
    const bytes = readFileSync(file);
    // Windows puts a byte order mark in front.
    const value = bytes.toString("utf8").replaceAll(/^\uFEFF|\r?\n$/g, "");
    if (isUtf8(bytes)) return { value, what };
    return {
      what,
      problem: `${what} is not text in UTF-8. Keep the secret as text, such as base64.`,
    };
  } catch (error) {
    const code = String(Reflect.get(Object(error), "code"));
    const why =
      { ENOENT: "does not exist", EISDIR: "is a folder", EACCES: "may not be read" }[code] ??
      `cannot be read (${code})`;
    return { what, problem: `${what} ${why}. Paths are relative to the configuration file.` };
  }
}

function suggestVariable(
  name: string,
  env: Readonly<Record<string, string | undefined>>,
): string | undefined {
  const similar = nearest(name, Object.keys(env));
  return similar === undefined ? undefined : `\${env:${similar}}`;
}

/** Cuts a text at `$${` and at `${…}`; undefined where a `${` is not closed. */
function parseParts(text: string): readonly Part[] | undefined {
  const parts: Part[] = [];
  let literal = "";
  let at = 0;
  const flush = () => {
    if (literal !== "") parts.push({ type: "literal", text: literal });
    literal = "";
  };
  while (at < text.length) {
    if (text.startsWith("$${", at)) {
      literal += "${";
      at += 3;
    } else if (text.startsWith("${", at)) {
      const end = text.indexOf("}", at);
      if (end < 0) return undefined;
      flush();
      const inner = text.slice(at + 2, end);
      parts.push({ type: /^(?:env|file):/.test(inner) ? "outside" : "template", inner, at });
      at = end + 1;
    } else {
      literal += text[at];
      at += 1;
    }
  }
  flush();
  return parts;
}

function joinLiterals(parts: readonly Part[]): string {
  return parts.map((part) => (part.type === "literal" ? part.text : "")).join("");
}

/** Writes the parts as a template again; undefined where they cannot be written as one. */
function joinTemplate(parts: readonly Part[]): string | undefined {
  let text = "";
  let literal = "";
  for (const part of parts) {
    if (part.type === "literal") {
      literal += part.text;
      continue;
    }
    if (literal.endsWith("$")) return undefined;
    text += `${escapeTemplate(literal)}\${${part.type === "template" ? part.inner : ""}}`;
    literal = "";
  }
  return text + escapeTemplate(literal);
}

function escapeTemplate(literal: string): string {
  return literal.replaceAll("${", () => "$${");
}

function splitOnce(text: string, separator: string): [string, string | undefined] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + separator.length)];
}
