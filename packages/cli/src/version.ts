import manifest from "../package.json" with { type: "json" };

/** Of this package and of all of ours that are bundled into it: they are released together. */
export const version: string = manifest.version;
