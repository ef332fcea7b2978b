// Where hooks over HTTP may connect to. For plugins that let users say where; others need none of it.
export { guardConnector, probe } from "./guarded-connector.ts";
export { type TargetOptions, targetShape } from "./options.ts";
export {
  BlockedTarget,
  createTargetGuard,
  originOf,
  type Resolve,
  type TargetGuard,
  type TargetRules,
} from "./target-guard.ts";
