// Modules that the compiler does not follow: what they are is said here.

/** The manifest beside `src` and beside `dist`, which lies outside of both. */
declare module "*/package.json" {
  const manifest: { readonly version: string };
  export default manifest;
}

/** What it loads is typed where it is used: a CommonJS module would see other types of the same packages. */
declare module "*/at-once.cjs" {
  export function loadCel(): unknown;
  export function loadCroner(): unknown;
}
