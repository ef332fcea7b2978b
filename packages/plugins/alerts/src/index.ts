import { definePlugin, type Plugin } from "@pipehooks/core";
import { discord } from "./discord/discord.ts";
import { opsgenie } from "./opsgenie/opsgenie.ts";
import { pagerduty } from "./pagerduty/pagerduty.ts";
import { slack } from "./slack/slack.ts";
import { teams } from "./teams/teams.ts";
import { version } from "./version.ts";

export type { DiscordMentions, DiscordOptions } from "./discord/options.ts";
export type { OpsgenieOptions, OpsgeniePriority, OpsgenieResponder } from "./opsgenie/options.ts";
export type { AlertOptions, BySeverity } from "./options.ts";
export type { PagerDutyOptions, PagerDutySeverity } from "./pagerduty/options.ts";
export type { SlackOptions } from "./slack/options.ts";
export type { TeamsMention, TeamsOptions } from "./teams/options.ts";
export { discord, opsgenie, pagerduty, slack, teams };

const plugin: Plugin = definePlugin({
  name: "@pipehooks/alerts",
  version,
  core: `^${version}`,
  hooks: [slack, teams, pagerduty, opsgenie, discord],
});
export default plugin;
