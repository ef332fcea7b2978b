import { discord, slack, teams } from "@pipehooks/alerts";
import type { JsonObject } from "@pipehooks/core";
import {
  createDiscordReceiver,
  createSlackReceiver,
  createTeamsReceiver,
  createTestEvent,
} from "@pipehooks/testing";
import { expect, test } from "vitest";
import { deliverOnce, failure, rendered } from "./bench.ts";

const slackUrl = "https://hooks.slack.com/services/T0/B0/abcdefghijklmnopqrstuvwx";
const teamsUrl = "https://env.environment.api.powerplatform.com/workflows/1?sig=abcdefghijkl";
const discordUrl = "https://discord.com/api/webhooks/1/aW5zZWN1cmUtYnV0LWxvbmc";

const openOf = ({ webhookUrl }: { readonly webhookUrl: string }) => ({
  ...{ webhookUrl, allowPrivate: true },
});
const failureWith = (fields: JsonObject) => createTestEvent({ ...failure, ...fields });
const erring = (message: string) => failureWith({ error: { message } });
const linkedTo = (url: string) => failureWith({ metadata: { url } });

/** Texts of a message's sections. */
const sectionsOf = ({ blocks }: { readonly blocks?: unknown }): readonly string[] =>
  (blocks as { text?: { text: string } }[]).flatMap(({ text }) => (text ? [text.text] : []));

test("links that one section of Slack does not hold have a section each", async () => {
  await using receiver = await createSlackReceiver();
  const event = linkedTo(`https://runs.example.com/7?q=${"a".repeat(1_700)}`);

  await deliverOnce(slack, { ...openOf(receiver), dashboardUrl: "${metadata.url}" }, { event });

  const links = sectionsOf(receiver.messages[0] ?? {}).filter((text) => text.startsWith("<http"));
  expect(links).toEqual([
    expect.stringMatching(/\|Open the run>$/),
    expect.stringMatching(/\|Open the dashboard>$/),
  ]);
});

test("a link whose form is longer than a section of Slack is left out, and that is said", async () => {
  await using receiver = await createSlackReceiver();
  const event = linkedTo(`https://runs.example.com/7?${"&".repeat(700)}`);
  const dashboardUrl = "https://d.example.com/${runId}";

  const logs = await deliverOnce(slack, { ...openOf(receiver), dashboardUrl }, { event });

  const links = sectionsOf(receiver.messages[0] ?? {}).filter((text) => text.startsWith("<http"));
  expect(links).toEqual(["<https://d.example.com/run_1|Open the dashboard>"]);
  expect(logs.join()).toContain('link "Open the run" left out');
});

test("of two long links for which there is no room together, the run's stays", async () => {
  await using receiver = await createSlackReceiver();
  const url = `https://runs.example.com/7?q=${"a".repeat(1_500)}${"&".repeat(250)}`;
  const note = "n".repeat(200);
  const metadata = { url, ...Object.fromEntries([..."abcde"].map((n) => [n, note])) };
  const event = failureWith({ metadata, error: { message: "e".repeat(4_000) } });

  const logs = await deliverOnce(
    slack,
    { ...openOf(receiver), dashboardUrl: `${url}&run=\${runId}` },
    { event },
  );

  const text = JSON.stringify(receiver.messages[0]?.blocks);
  expect(text).toContain("|Open the run>");
  expect(logs.join()).toContain('link "Open the dashboard" left out');
  // The footer went first, and there is room for it again.
  expect(text).toContain("pipeline.error 01936c4e");
});

test("a code fence in a long error costs the error nothing but its end", async () => {
  const event = erring(
    `Query failed:\n\`\`\`sql\nselect 1\n\`\`\`\n${"a line of it\n".repeat(400)}`,
  );

  const chat = await rendered(slack, { webhookUrl: slackUrl }, { event });
  const talk = await rendered(discord, { webhookUrl: discordUrl }, { event });

  const error = sectionsOf(chat).find((text) => text.startsWith("```")) ?? "";
  const [embed] = talk.embeds as readonly { readonly description: string }[];
  const description = embed?.description.split("\n```\n")[0] ?? "";
  const begin = "Query failed:\n`\u200b`\u200b`sql\nselect 1\n`\u200b`\u200b`\na line of it\n";
  expect(error).toContain(begin);
  expect(error.length).toBe("``````".length + 2_500);
  expect(error).toMatch(/…```$/);
  expect(description).toContain(begin);
  expect(description.length).toBeGreaterThan(2_980);
});

test("a forged link in a long value costs the value nothing but its end", async () => {
  const note = `see [the page](https://x.example) ${"y".repeat(400)}`;
  const event = failureWith({ metadata: { note } });

  const text = JSON.stringify(await rendered(teams, { webhookUrl: teamsUrl }, { event }));

  expect(text).toMatch(/"value":"see \[the page\]\u200b\(https:\/\/x\.example\) y{264}…"/);
});

test.for([180, 400])("an error of %i lines leaves a card of Teams whole", async (count) => {
  await using receiver = await createTeamsReceiver();
  const lines = Array.from({ length: count }, (_, n) => `+- Project [column#${n}]`);

  const logs = await deliverOnce(teams, openOf(receiver), { event: erring(lines.join("\n")) });

  const [run] = receiver.runs;
  const body = run?.card?.body as readonly JsonObject[];
  const [, , error] = body as readonly { readonly items?: readonly JsonObject[] }[];
  const shown = (error?.items?.length ?? 0) - 1;
  expect(run?.failure).toBeUndefined();
  expect(body.map(({ type }) => type)).toEqual([
    ...["Container", "FactSet", "Container", "RichTextBlock"],
  ]);
  expect(shown).toBeGreaterThan(150);
  expect(JSON.stringify(error?.items?.at(-1))).toContain(`… ${count - shown} more lines`);
  expect(logs.join()).toContain(`error from ${count} to ${shown} lines`);
});

test("of an error's lines the one that is too long for a card of Teams is counted", async () => {
  const lines = [...Array<string>(165).fill("at x"), "y".repeat(4_900)];
  const event = erring(lines.join("\n"));

  const text = JSON.stringify(await rendered(teams, { webhookUrl: teamsUrl }, { event }));

  expect(text.split("at x")).toHaveLength(166);
  expect(text.includes('… 1 more line"')).toBe(true);
});

test("a long line that takes three bytes a character leaves a card of Teams whole", async () => {
  await using receiver = await createTeamsReceiver();

  const logs = await deliverOnce(teams, openOf(receiver), { event: erring("誤".repeat(9_000)) });

  expect(receiver.runs[0]).toMatchObject({ failure: undefined, card: { body: { length: 4 } } });
  expect(logs.join()).toMatch(/error from 9,000 to 1,99\d characters/);
});

test("where something larger has to go all the same, what went before it comes back", async () => {
  await using receiver = await createTeamsReceiver();
  const large = Object.fromEntries(
    Array.from({ length: 8 }, (_, n) => [`${n}${"誤".repeat(300)}`, "誤".repeat(300)]),
  );
  const lines = Array.from({ length: 200 }, (_, n) => `+- Project [column#${n}]`);
  const event = failureWith({ metadata: large, error: { message: lines.join("\n") } });

  const logs = await deliverOnce(teams, openOf(receiver), { event });

  expect(JSON.stringify(receiver.runs[0]?.card)).toContain("pipeline.error 01936c4e");
  expect(logs.join()).toContain("facts left out");
  expect(logs.join()).not.toContain("footer left out");
});

test("of an own card the element that is too large goes, and those behind it stay", async () => {
  await using receiver = await createTeamsReceiver();
  const block = (text: string) => ({ type: "TextBlock", text });
  const card = { body: [block("first"), block("x".repeat(30_000)), block("last")] };

  const logs = await deliverOnce(teams, { ...openOf(receiver), card });

  expect(receiver.runs[0]?.card?.body).toEqual([block("first"), block("last")]);
  expect(logs.join()).toMatch(/: element 2 of the body left out\.$/);
});

test("what is too long for an embed's description takes no facts from it", async () => {
  await using receiver = await createDiscordReceiver();
  const event = failureWith({
    metadata: { url: `https://runs.example.com/7?q=${"a".repeat(1_200)}`, note: "n" },
    error: { message: "e".repeat(3_500) },
  });

  const logs = await deliverOnce(discord, openOf(receiver), { event });

  const [embed] = (receiver.messages[0]?.embeds ?? []) as readonly JsonObject[];
  expect(embed?.fields).toHaveLength(6);
  expect(embed?.fields).toContainEqual({ name: "note", value: "n", inline: true });
  expect(logs.join()).toContain("; links left out.");
});

test("own texts of Slack are not cut inside an entity", async () => {
  const event = erring(`a${"&".repeat(20_000)}`);
  const text = "${error.message}";
  const section = (type: string) => ({ type: "section", text: { type, text } });
  const blocks = [section("mrkdwn"), section("plain_text")];

  const body = await rendered(slack, { webhookUrl: slackUrl, text, blocks }, { event });

  const [marked, plain] = sectionsOf(body);
  expect(body.text).toMatch(/^a(?:&amp;)+…$/);
  expect(marked).toMatch(/^a(?:&amp;)+…$/);
  expect(plain).toBe(`a${"&".repeat(2_998)}…`);
});

test("an own text of Slack that needs no cut stays as it is", async () => {
  const body = await rendered(slack, { webhookUrl: slackUrl, text: "of R&D…" });

  expect(body.text).toBe("of R&D…");
});

test("a username is cut to what Discord takes, and where it is empty it is the webhook's", async () => {
  await using receiver = await createDiscordReceiver();
  const event = createTestEvent({ pipeline: "p".repeat(90) });

  const logs = await deliverOnce(
    discord,
    { ...openOf(receiver), username: "Pipeline ${pipeline}" },
    { event },
  );
  await deliverOnce(discord, { ...openOf(receiver), username: "${metadata.nothing:-}" });

  const [long, empty] = receiver.messages;
  expect(long?.username).toBe(`Pipeline ${"p".repeat(70)}…`);
  expect(logs.join()).toContain("username from 99 to 80 characters");
  expect(empty).not.toHaveProperty("username");
});
