import type { Message, MessageFact, MessageLink, MessageRow, Tone } from "@pipehooks/core/messages";
import { escapeHtml } from "./escape-html.ts";
import { leadOf } from "./report.ts";
import { type Amount, type BodyExtras, errorParts, shownRows } from "./text-body.ts";

const font = "font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif";
const mono = "font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace";
const toneColors = {
  bad: "#c62828",
  warning: "#b26a00",
  good: "#1b7f3b",
  neutral: "#3b5bdb",
} satisfies Record<Tone, string>;
// Mail programs know tables and inline styles; those that know more turn dark by the rules at the top.
const darkStyle = `<style>
:root{color-scheme:light dark;supported-color-schemes:light dark}
@media (prefers-color-scheme:dark){
.ph-page{background:#15181c!important}
.ph-card{background:#1f2429!important;border-color:#353c44!important}
.ph-text{color:#e6e9ec!important}
.ph-dim{color:#a0a9b2!important}
.ph-line{border-color:#353c44!important}
.ph-code{background:#15181c!important;border-color:#353c44!important;color:#e6e9ec!important}
.ph-bad{color:#ff8a80!important}
.ph-warning{color:#ffc46b!important}
.ph-good{color:#6fdc8c!important}
.ph-neutral{color:#9db2ff!important}
}
</style>`;

/** The report as HTML that mail programs show. */
export function toHtmlBody(report: Message, amount: Amount, extras: BodyExtras): string {
  const { label, title, facts, links, footer } = report;
  const lead = leadOf(report);
  const rows = shownRows(report, amount.rows);
  const color = toneColors[report.tone];
  return page(
    title,
    [
      `<tr><td style="background:${color};height:6px;line-height:6px;font-size:0;border-radius:6px 6px 0 0">&nbsp;</td></tr>`,
      cell(
        `<div class="ph-${report.tone}" style="font-size:12px;font-weight:700;letter-spacing:.06em;color:${color}">${escapeHtml(label)}</div>` +
          `<div class="ph-text" style="font-size:20px;line-height:1.3;font-weight:600;color:#1f2328;margin-top:4px">${escapeHtml(title)}</div>` +
          (lead === ""
            ? ""
            : `<div class="ph-text" style="font-size:15px;line-height:1.5;color:#1f2328;margin-top:8px">${escapeHtml(lead)}</div>`),
        "padding:20px 24px 8px",
      ),
      facts.length > 0 ? cell(factTable(facts), "padding:8px 24px") : "",
      errorCell(report, amount, extras),
      rows.shown.length > 0 ? cell(rowTable(rows.shown), "padding:8px 24px") : "",
      rows.omitted !== ""
        ? cell(
            `<div class="ph-dim" style="font-size:13px;color:#57606a">${rows.omitted}</div>`,
            "padding:0 24px 8px",
          )
        : "",
      links.length > 0
        ? cell(links.map((link) => button(link, color)).join(" "), "padding:8px 24px")
        : "",
      cell(
        `<div class="ph-dim ph-line" style="font-size:12px;line-height:1.5;color:#57606a;border-top:1px solid #d8dee4;padding-top:12px">${escapeHtml(footer)}</div>`,
        "padding:12px 24px 20px",
      ),
    ].join("\n"),
    lead,
  );
}

/** A text of one's own in the same frame. */
export function toHtmlOfText(title: string, text: string): string {
  return page(
    title,
    cell(
      `<div class="ph-text" style="font-size:15px;line-height:1.5;color:#1f2328;white-space:pre-wrap;word-break:break-word">${escapeHtml(text)}</div>`,
      "padding:20px 24px",
    ),
  );
}

function page(title: string, rows: string, preview = ""): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><meta name="color-scheme" content="light dark"><title>${escapeHtml(title)}</title>
${darkStyle}</head>
<body class="ph-page" style="margin:0;padding:0;background:#f3f5f7">
<div style="display:none;max-height:0;overflow:hidden">${escapeHtml(preview)}</div>
<table role="presentation" class="ph-page" width="100%" cellpadding="0" cellspacing="0" border="0" style="background:#f3f5f7"><tr><td align="center" style="padding:16px 8px">
<table role="presentation" class="ph-card" width="640" cellpadding="0" cellspacing="0" border="0" style="width:100%;max-width:640px;background:#ffffff;border:1px solid #d8dee4;border-radius:8px;${font}">
${rows}
</table>
</td></tr></table>
</body></html>
`;
}

function cell(content: string, style: string): string {
  return `<tr><td style="${style};${font}">${content}</td></tr>`;
}

function factTable(facts: readonly MessageFact[]): string {
  const rows = facts.map(
    ({ name, value }) =>
      `<tr><td class="ph-dim" valign="top" style="padding:3px 16px 3px 0;font-size:14px;color:#57606a;white-space:nowrap">${escapeHtml(name)}</td>` +
      `<td class="ph-text" valign="top" style="padding:3px 0;font-size:14px;color:#1f2328;word-break:break-word">${escapeHtml(value)}</td></tr>`,
  );
  return `<table role="presentation" cellpadding="0" cellspacing="0" border="0">${rows.join("")}</table>`;
}

function errorCell(report: Message, amount: Amount, { attached }: BodyExtras): string {
  const parts = errorParts(report, amount, attached);
  if (parts === undefined) return "";
  const { message, details, note } = parts;
  const box =
    `<div class="ph-code" style="background:#f6f8fa;border:1px solid #d8dee4;border-radius:4px;padding:12px;color:#1f2328">` +
    `<div style="${mono};font-size:13px;line-height:1.5;font-weight:600;white-space:pre-wrap;word-break:break-word">${escapeHtml(message)}</div>` +
    (details === ""
      ? ""
      : `<div class="ph-dim" style="${mono};font-size:12px;line-height:1.45;color:#57606a;white-space:pre-wrap;word-break:break-word;margin-top:8px">${escapeHtml(details)}</div>`) +
    "</div>";
  const below =
    note === ""
      ? ""
      : `<div class="ph-dim" style="font-size:13px;color:#57606a;margin-top:6px">${escapeHtml(note)}</div>`;
  return cell(box + below, "padding:8px 24px");
}

function rowTable(rows: readonly MessageRow[]): string {
  const lines = rows.map(({ time, tone, label, text, error }) => {
    const below =
      error === undefined
        ? ""
        : `<div class="ph-dim" style="${mono};font-size:12px;color:#57606a;word-break:break-word">${escapeHtml(error)}</div>`;
    const border = "border-top:1px solid #d8dee4";
    return (
      `<tr><td class="ph-dim ph-line" valign="top" style="${border};padding:6px 12px 6px 0;font-size:13px;color:#57606a;white-space:nowrap">${escapeHtml(time)}</td>` +
      `<td class="ph-${tone} ph-line" valign="top" style="${border};padding:6px 12px 6px 0;font-size:12px;font-weight:700;color:${toneColors[tone]}">${label}</td>` +
      `<td class="ph-text ph-line" valign="top" style="${border};padding:6px 0;font-size:14px;color:#1f2328;word-break:break-word">${escapeHtml(text)}${below}</td></tr>`
    );
  });
  return `<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0">${lines.join("\n")}</table>`;
}

function button({ text, url }: MessageLink, color: string): string {
  return `<a href="${escapeHtml(url)}" style="display:inline-block;background:${color};color:#ffffff;font-size:14px;font-weight:600;text-decoration:none;padding:9px 16px;border-radius:6px;margin:4px 8px 4px 0">${escapeHtml(text)}</a>`;
}
