import {
  compileTemplate,
  type Delivery,
  HookError,
  type JsonObject,
  type JsonValue,
  optionName,
  toTemplateScope,
} from "@pipehooks/core";
import type { HexSettings } from "./options.ts";

/**
 * What is posted to start a run, from the events of a delivery. As RunProject of Hex's OpenAPI document takes it: unknown
 * keys are refused there, and so is an empty `inputParams` beside `updatePublishedResults`.
 */
export function createTriggerBody(settings: HexSettings): (delivery: Delivery) => JsonObject {
  const { inputParams = {}, notifications, updatePublishedResults, useCachedSqlResults } = settings;
  const inputs = compileTemplate({ ...inputParams });
  const view = settings.viewId === undefined ? undefined : compileTemplate(settings.viewId);
  const notices = (notifications ?? []).map((notice) => {
    const { type, includeSuccessScreenshot = false, subject, body, ...rest } = notice;
    return {
      fixed: { type, includeSuccessScreenshot, ...defined(rest) },
      texts: compileTemplate(defined({ subject, body })),
    };
  });
  const hasInputs = Object.keys(inputParams).length > 0;

  return (delivery) => {
    const scope = toTemplateScope(delivery);
    return {
      ...(hasInputs && { inputParams: inputs.render(scope) }),
      ...(view !== undefined && { viewId: viewOf(view.render(scope)) }),
      updatePublishedResults: updatePublishedResults ?? false,
      useCachedSqlResults,
      ...(notices.length > 0 && {
        notifications: notices.map(({ fixed, texts }) => ({
          ...fixed,
          ...textsOf(texts.render(scope)),
        })),
      }),
    };
  };
}

function viewOf(value: JsonValue): string {
  if (typeof value === "string" && value !== "") return value;
  throw new HookError(
    "REQUEST_INVALID",
    `${optionName("viewId")} became ${JSON.stringify(value)} for this event, which is no id of a view.`,
  );
}

/** Whatever a template of one reference became, subject and body are texts. */
function textsOf(value: JsonValue): JsonObject {
  return Object.fromEntries(
    Object.entries(value ?? {}).map(([key, text]) => [
      key,
      typeof text === "string" ? text : JSON.stringify(text),
    ]),
  );
}

function defined(object: Readonly<Record<string, unknown>>): JsonObject {
  const entries = Object.entries(object).filter(([, value]) => value !== undefined);
  // Checked by the options' schema.
  return Object.fromEntries(entries) as JsonObject;
}
