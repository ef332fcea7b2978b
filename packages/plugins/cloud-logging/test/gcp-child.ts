import { type CloudLoggingOptions, cloudLogging } from "@pipehooks/cloud-logging";
import { createTestDelivery, openHook } from "@pipehooks/testing";

// Delivers one event with each of the options of its only argument, and says how that ended.

interface Attempt {
  readonly gcp: NonNullable<CloudLoggingOptions["gcp"]>;
  readonly env?: Readonly<Record<string, string>>;
}

const attempts: readonly Attempt[] = JSON.parse(process.argv[2] ?? "[]");
const ends: object[] = [];
for (const { gcp, env = {} } of attempts) {
  Object.assign(process.env, env);
  const opened = await openHook(cloudLogging, { provider: "gcp", gcp, requestTimeout: "10s" });
  try {
    await opened.hook.deliver(createTestDelivery());
    ends.push({});
  } catch (error) {
    const { code, message, retryable, scope } = Object(error);
    ends.push({ code, message, retryable, scope });
  }
  await opened[Symbol.asyncDispose]();
  for (const name of Object.keys(env)) delete process.env[name];
}
console.log(JSON.stringify(ends));
