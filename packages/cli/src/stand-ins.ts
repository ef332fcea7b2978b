import type { MissingReference, Problem } from "@pipehooks/config";

/** Texts in place of secrets that are not there, since nothing is sent with them. */
export interface StandIns {
  of(missing: MissingReference): string;
  /** Takes texts of another form where these were refused; false when there is none left to try. */
  improve(problems: readonly Problem[]): boolean;
}

/** Nobody knows what a secret has to look like until it is refused: a text, an address, a key, a number. */
export function createStandIns(): StandIns {
  const forms = new Map<string, { readonly missing: MissingReference; form: number }>();
  return {
    of(missing) {
      const key = `${missing.reference} ${missing.path}`;
      const known = forms.get(key) ?? { missing, form: 0 };
      forms.set(key, known);
      return formsOf(missing.reference)[known.form] ?? "";
    },
    improve(problems) {
      const refused = new Set(problems.map(({ path }) => path));
      let improved = false;
      for (const known of forms.values()) {
        const { reference, path } = known.missing;
        if (!refused.has(path) || known.form + 1 >= formsOf(reference).length) continue;
        known.form += 1;
        improved = true;
      }
      return improved;
    },
  };
}

function formsOf(reference: string): readonly string[] {
  const name = reference
    .replace(/^\w+:/, "")
    .replaceAll(/\W+/g, "-")
    .replace(/^-+|-+$/g, "");
  const host = `${name.toLowerCase().replaceAll(/[^a-z\d]+/g, "-")}.invalid`;
  const bytes = Buffer.from(`stand-in for ${name}`.padEnd(32, ".").slice(0, 32));
  return [
    `stand-in-for-${name}`,
    `https://${host}/`,
    `whsec_${bytes.toString("base64")}`,
    `whsk_${bytes.toString("base64")}`,
    `nobody@${host}`,
    "00000000-0000-4000-8000-000000000000",
    "1",
  ];
}
