/** Text as HTML shows it, also within quotes. */
export function escapeHtml(text: string): string {
  return text
    .toWellFormed()
    .replace(/[&<>"'`]/g, (letter) => `&#${letter.charCodeAt(0)};`)
    .replace(/(?![\n\t])\p{Cc}/gu, "");
}
