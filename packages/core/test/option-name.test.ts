import { optionName } from "@pipehooks/core";
import { expect, test } from "vitest";

test.for([
  ["url", '"url"'],
  ["webhookUrl", '"webhookUrl" ("webhook_url" in YAML)'],
  ["smtp.allowPlain", '"smtp.allowPlain" ("smtp.allow_plain" in YAML)'],
])("the option %s is named %s", ([path, text]) => {
  expect(optionName(path as string)).toBe(text);
});
