export { crash } from "./crash.ts";
export { createFastClock } from "./fast-clock.ts";
export { live, type StoreCall } from "./life.ts";
export {
  at,
  blind,
  lost,
  type RunPoint,
  runPoints,
  startingAgain,
  unanswered,
  unheard,
} from "./run-points.ts";
