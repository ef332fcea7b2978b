import { definePlugin, type Plugin } from "@pipehooks/core";
import { version } from "./version.ts";
import { webhook } from "./webhook.ts";

export type {
  StatusMeaning,
  WebhookAuth,
  WebhookOptions,
  WebhookSigning,
  WebhookTls,
} from "./options.ts";
export { type VerifiedWebhook, type VerifyWebhookInput, verifyWebhook } from "./verify.ts";
export { webhook };

const plugin: Plugin = definePlugin({
  name: "@pipehooks/webhook",
  version,
  core: `^${version}`,
  hooks: [webhook],
});
export default plugin;
