// Makes docs/pictures/alerts-*.png: Teams cards by the renderer that Microsoft publishes (npm `adaptivecards`), Slack
// messages by npm `slack-blocks-to-jsx`, photographed by headless Chromium.
//   apt-get install chromium fonts-noto-color-emoji
//   node packages/plugins/alerts/pictures/make.ts
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { slack, teams } from "@pipehooks/alerts";
import type { Delivery, HookFactory, JsonObject } from "@pipehooks/core";
import { openHook } from "@pipehooks/testing";
import { createElement } from "react";
import { renderToStaticMarkup } from "react-dom/server";
import { Message } from "slack-blocks-to-jsx";
import { deliveries } from "./messages.ts";

const execute = promisify(execFile);
const folder = fileURLToPath(new URL("../../../../docs/pictures/", import.meta.url));
const browser = process.env.CHROMIUM ?? "chromium";
const mostBytes = 150_000;
const fileOf = createRequire(import.meta.url).resolve;
const dashboardUrl = "https://dashboard.example.com/runs/${runId:-all}";

async function bodyOf<Input>(
  factory: HookFactory<Input>,
  options: Input,
  delivery: Delivery,
): Promise<JsonObject> {
  await using opened = await openHook(factory, options);
  const rendered = await opened.hook.render?.(delivery);
  return rendered?.body as JsonObject;
}

async function teamsPage(delivery: Delivery): Promise<string> {
  const webhookUrl = "https://flows.example.com/workflows/1?sig=abcdefghijklmnop";
  const body = await bodyOf(teams, { webhookUrl, dashboardUrl }, delivery);
  const [attachment] = body.attachments as readonly { readonly content: JsonObject }[];
  const library = await readFile(fileOf("adaptivecards/dist/adaptivecards.min.js"), "utf8");
  const styles = await readFile(fileOf("adaptivecards/dist/adaptivecards.css"), "utf8");
  const hostConfig = {
    fontFamily: "Segoe UI, Liberation Sans, Noto Color Emoji, sans-serif",
    spacing: { small: 4, default: 10, medium: 12, large: 16, extraLarge: 20, padding: 16 },
    containerStyles: {
      attention: containerStyle("#F9E3E3", "#A4262C"),
      good: containerStyle("#E2F4E5", "#0B6A0B"),
      warning: containerStyle("#FFF3D9", "#8A5300"),
      accent: containerStyle("#E3EEFC", "#1F5FBF"),
      emphasis: containerStyle("#F3F2F1", "#242424"),
    },
    actions: { actionsOrientation: "horizontal", actionAlignment: "left" },
  };
  return page(
    `${styles}
    #card { border: 1px solid #e0e0e0; border-radius: 6px; overflow: hidden; background: #fff; font-size: 14px; }
    .ac-pushButton { background: #fff; border: 1px solid #c7c7c7; border-radius: 4px; padding: 6px 12px; font-weight: 600; }`,
    `<div id="card"></div><script>${library}</script><script>
      const card = new AdaptiveCards.AdaptiveCard();
      card.hostConfig = new AdaptiveCards.HostConfig(${JSON.stringify(hostConfig)});
      card.parse(${JSON.stringify(attachment?.content).replaceAll("<", "\\u003c")});
      document.getElementById("card").appendChild(card.render());
    </script>`,
  );
}

function containerStyle(backgroundColor: string, text: string) {
  const color = { default: text, subtle: text };
  const colors = { attention: color, good: color, warning: color, accent: color };
  return { backgroundColor, foregroundColors: { default: color, ...colors } };
}

async function slackPage(delivery: Delivery): Promise<string> {
  const webhookUrl = "https://hooks.slack.com/services/T0/B0/abcdefghijklmnopqrstuvwx";
  const options = { webhookUrl, dashboardUrl, mention: "here" };
  const { blocks } = await bodyOf(slack, options, delivery);
  const message = createElement(Message, {
    // What Slack takes is what this takes.
    blocks: blocks as never,
    time: new Date(delivery.event.time),
    name: "Pipehooks",
    logo: logo,
    theme: "light",
  });
  const styles = await readFile(fileOf("slack-blocks-to-jsx/dist/style.css"), "utf8");
  return page(
    `${styles} #card { background: #fff; } body { --slack-font: "Liberation Sans"; }`,
    `<div id="card">${renderToStaticMarkup(message)}</div>`,
  );
}

const logo = `data:image/svg+xml,${encodeURIComponent(
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 36 36"><rect width="36" height="36" rx="6" fill="#1f6feb"/><path d="M9 18h11m0 0-5-5m5 5-5 5M24 10v16" stroke="#fff" stroke-width="3" fill="none"/></svg>',
)}`;

function page(styles: string, content: string): string {
  return `<!doctype html><meta charset="utf-8"><style>
    * { box-sizing: border-box; }
    body { margin: 0; padding: 16px; background: #fff; font-family: "Liberation Sans", "Noto Color Emoji", sans-serif; width: 720px; }
    ${styles}</style><body>${content}
    <script>document.title = String(Math.ceil(document.body.getBoundingClientRect().height));</script>`;
}

async function photograph(html: string, name: string): Promise<void> {
  const work = await mkdtemp(join(tmpdir(), "pictures-"));
  const source = join(work, "page.html");
  await writeFile(source, html);
  const common = ["--headless", "--no-sandbox", "--disable-gpu", `--user-data-dir=${work}/profile`];
  const { stdout } = await execute(browser, [...common, "--dump-dom", `file://${source}`], {
    maxBuffer: 64 * 1024 ** 2,
  });
  const height = Number(/<title>(\d+)<\/title>/.exec(stdout)?.[1] ?? 600);
  const target = join(folder, `alerts-${name}.png`);
  const shot = [`--screenshot=${target}`, `--window-size=720,${height}`, "--hide-scrollbars"];
  await execute(browser, [...common, ...shot, `file://${source}`]);
  await rm(work, { recursive: true });
  const { size } = await stat(target);
  if (size > mostBytes) throw new Error(`${target} has ${size} bytes, more than ${mostBytes}.`);
  console.log(`${target}: 720 × ${height}, ${size} bytes`);
}

await mkdir(folder, { recursive: true });
for (const [name, delivery] of Object.entries(deliveries)) {
  await photograph(await teamsPage(delivery), `teams-${name}`);
  await photograph(await slackPage(delivery), `slack-${name}`);
}
