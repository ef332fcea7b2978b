export { crash } from "./crash.ts";
export { createFastClock } from "./fast-clock.ts";
export { live, type StoreCall } from "./life.ts";
