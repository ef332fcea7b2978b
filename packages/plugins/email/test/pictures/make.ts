// Makes the pictures of the documentation: mails are sent to a real SMTP server, taken apart as a mail program does, and
// shown by headless Chromium. Run it with: node test/pictures/make.ts (chromium has to be installed).
import { execFile } from "node:child_process";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { AddressObject, ParsedMail } from "mailparser";
import { openPostOffice } from "../post-office.ts";
import { samples } from "./samples.ts";

const run = promisify(execFile);
const target = fileURLToPath(new URL("../../../../../docs/pictures/", import.meta.url));
const mostBytes = 150 * 1024;

await using office = await openPostOffice({
  to: ["Data team <data@example.com>"],
  timeZone: "Europe/Paris",
  dashboardUrl: "https://pipehooks.example.com/events/${id}",
});
const folder = await mkdtemp(join(tmpdir(), "pipehooks-pictures-"));
try {
  for (const { name, height, dark, delivery } of samples) {
    await office.deliver(delivery);
    const page = join(folder, `${name}.html`);
    await writeFile(page, toPage(await office.mail(), dark));
    const file = join(target, `email-${name}.png`);
    await run(process.env.CHROMIUM ?? "chromium", [
      ...["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"],
      ...(dark ? ["--blink-settings=preferredColorScheme=0"] : []),
      ...[`--window-size=760,${height}`, `--screenshot=${file}`, `file://${page}`],
    ]);
    const { size } = await stat(file);
    if (size > mostBytes) throw new Error(`${file} has ${size} bytes, more than ${mostBytes}`);
    process.stdout.write(`${file} ${size} bytes\n`);
  }
} finally {
  await rm(folder, { recursive: true });
}

/** What a mail program shows above a mail, and the mail. */
function toPage(mail: ParsedMail, dark: boolean): string {
  const to = mail.to as AddressObject | undefined;
  const lines = [`From: ${mail.from?.text}`, `To: ${to?.text}`].map(quote).join("<br>");
  const [back, ink] = dark ? ["#0d1013", "#e6e9ec"] : ["#ffffff", "#1f2328"];
  return `<!doctype html><meta charset="utf-8"><style>body{margin:0;background:${back};color:${ink};font:13px/1.5 sans-serif}
header{padding:14px 20px;border-bottom:1px solid #8888}h1{font-size:17px;margin:0 0 4px}iframe{border:0;width:100%;height:2000px;color-scheme:${dark ? "dark" : "light"}}</style>
<header><h1>${quote(mail.subject ?? "")}</h1>${lines}</header>
<iframe sandbox="allow-same-origin" srcdoc="${quote(mail.html || "")}"></iframe>`;
}

function quote(text: string): string {
  return text.replace(/[&<>"]/g, (letter) => `&#${letter.charCodeAt(0)};`);
}
