import { definePlugin, type Plugin } from "@pipehooks/core";
import { email } from "./email.ts";
import { version } from "./version.ts";

export type { EmailAddresses, EmailBySeverity, EmailDkim, EmailOptions } from "./options.ts";
export type { SesCredentials, SesOptions } from "./ses-options.ts";
export type {
  SmtpAuth,
  SmtpOAuth2,
  SmtpOptions,
  SmtpPool,
  SmtpTimeouts,
  SmtpTls,
} from "./smtp-options.ts";
export { email };

const plugin: Plugin = definePlugin({
  name: "@pipehooks/email",
  version,
  core: `^${version}`,
  hooks: [email],
});
export default plugin;
