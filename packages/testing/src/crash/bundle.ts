import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";

const made = new Map<string, Promise<string>>();

/**
 * A program as one file, beside the packages that it needs at run time: it is started again and again, and from its source
 * each start takes three times as long.
 */
export function bundle(program: URL): Promise<string> {
  const known = made.get(program.href);
  if (known !== undefined) return known;
  const making = make(fileURLToPath(program));
  made.set(program.href, making);
  return making;
}

async function make(input: string): Promise<string> {
  // `test/children/deliver.ts` of a package, whose dependencies are found from its folder.
  const folder = dirname(dirname(dirname(input)));
  const file = join(folder, ".pipehooks", basename(input).replace(/ts$/, "mjs"));
  const bundled = await rolldown({
    input,
    platform: "node",
    external: ["undici", "@databricks/sql"],
    logLevel: "silent",
  });
  await bundled.write({ file, codeSplitting: false });
  await bundled.close();
  return file;
}
