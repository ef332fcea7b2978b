/** Loads what runs in the store's thread, without gates and with them, and prints which files of ours and of others that took. */
import { registerHooks } from "node:module";

const loaded: string[] = [];
registerHooks({
  load(url, context, next) {
    if (url.startsWith("file:")) loaded.push(url.replace(/.*\/packages\//, ""));
    return next(url, context);
  },
});
await import("../../src/runner.ts");
console.log(`plain ${loaded.splice(0).join(" ")}`);
await import("../../src/gates.ts");
console.log(`gates ${loaded.splice(0).join(" ")}`);
