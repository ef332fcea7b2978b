import manifest from "../package.json" with { type: "json" };

/** Of this package, and of the core it was made with: they are released together. */
export const version: string = manifest.version;
