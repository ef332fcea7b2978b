/** Issues of a Standard Schema validator as one text. */
export function issuesText(
  issues: readonly {
    readonly message: string;
    readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
  }[],
): string {
  return issues
    .map(({ message, path }) => {
      const at = (path ?? []).map((step) => String(typeof step === "object" ? step.key : step));
      return at.length === 0 ? message : `${at.join(".")}: ${message}`;
    })
    .join("; ");
}
