import { entry, isSaid, map, optional, scalar } from "./plumber-tree.ts";
import type { Problems } from "./problem.ts";
import { type Entry, joinPath, type MapTree, type Tree } from "./tree.ts";

/** What each option is called in the files that go about; the first name is the usual one. */
const names = {
  host: ["smtp_host", "smtp_server", "host"],
  port: ["smtp_port", "port"],
  user: ["smtp_user", "smtp_username", "username"],
  pass: ["smtp_password", "password"],
  tls: ["use_tls"],
  ssl: ["use_ssl"],
  from: ["from_address", "from", "sender"],
  to: ["to_addresses", "to", "recipients"],
  cc: ["cc_addresses", "cc"],
  bcc: ["bcc_addresses", "bcc"],
  replyTo: ["reply_to"],
  subject: ["subject_template", "subject"],
  body: ["body_template", "body"],
} satisfies Record<string, readonly string[]>;

/** Keys of `email` besides those that every kind has. */
export const emailKeys: readonly string[] = [...Object.values(names).flat(), "timeout"];

/** Options of today's `email` that mean the same. */
export function toEmailOptions(block: MapTree, problems: Problems, path: string): MapTree {
  const take = (option: keyof typeof names): Entry | undefined => {
    const [found, ...more] = names[option].flatMap((name) => block.entries.get(name) ?? []);
    for (const { key, keyAt } of more) {
      problems.add({
        at: keyAt,
        path: joinPath(path, key),
        message: `"${key}" says the same as "${found?.key}". Leave one of the two out.`,
      });
    }
    return found;
  };
  const same = (option: keyof typeof names, today: string) => {
    const found = take(option);
    return optional(today, found?.value, found);
  };
  const body = take("body");
  return map(block.at, [
    toSmtp(block, take, { problems, path }),
    same("from", "from"),
    same("to", "to"),
    same("cc", "cc"),
    same("bcc", "bcc"),
    same("replyTo", "reply_to"),
    same("subject", "subject"),
    // There the body is text, or HTML for who writes it so.
    optional(isHtml(body?.value) ? "html" : "text", body?.value, body),
  ]);
}

function toSmtp(
  block: MapTree,
  take: (option: keyof typeof names) => Entry | undefined,
  { problems, path }: { readonly problems: Problems; readonly path: string },
): Entry | undefined {
  const [host, port, user, pass] = [take("host"), take("port"), take("user"), take("pass")];
  const [tls, ssl] = [take("tls"), take("ssl")];
  const first = host ?? port ?? user ?? pass ?? tls ?? ssl;
  if (first === undefined) return undefined;
  const plain = isSaid(tls?.value, false) && !isSaid(ssl?.value, true);
  if (tls !== undefined && plain) {
    problems.warn({
      at: tls.keyAt,
      path: joinPath(path, tls.key),
      message:
        '"use_tls: false": mails and the password may travel unencrypted where the server offers no STARTTLS. Leave it out to insist on TLS.',
    });
  }
  const auth = map((user ?? pass ?? first).keyAt, [
    optional("user", user?.value, user),
    optional("pass", pass?.value, pass),
  ]);
  const smtp = map(block.at, [
    optional("host", host?.value, host),
    optional("port", port?.value, port),
    optional("secure", ssl?.value, ssl),
    plain && tls
      ? entry("allow_plain", scalar(true, tls.keyAt), tls.keyAt, tls.comments)
      : undefined,
    user !== undefined || pass !== undefined ? entry("auth", auth, auth.at) : undefined,
  ]);
  return entry("smtp", smtp, first.keyAt);
}

function isHtml(tree: Tree | undefined): boolean {
  return tree?.type === "scalar" && /^\s*<(?:!doctype|[a-z])/i.test(String(tree.value));
}
