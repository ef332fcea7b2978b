/** The options of a kind that are templates, as the user names them. */
export interface Templates {
  readonly kind: string;
  readonly paths: readonly string[];
}

/** What is wrong with a `${…}` that is read neither from outside nor, where it stands, from the event. */
export function strangerMessage(inner: string, templates?: Templates): string {
  const isSchemed = /^[a-z]+:(?!-)/i.test(inner) && !/^(?:env|file):/.test(inner);
  if (isSchemed) {
    return `\${${inner}} is not known: values come from \${env:NAME} and \${file:path}. A literal \${ is written $\${.`;
  }
  return `\${${inner}} is read from the event only in options that are templates, and this is none${namesOf(templates)}. A literal \${ is written $\${.`;
}

/** What was probably meant by it. */
export function strangerSuggestion(inner: string): string | undefined {
  return /^[A-Z][A-Z0-9_]*$/.test(inner) ? `\${env:${inner}}` : undefined;
}

function namesOf(templates: Templates | undefined): string {
  if (templates === undefined || templates.paths.length === 0) return "";
  return `: those of ${templates.kind} are ${templates.paths.join(", ")}`;
}
