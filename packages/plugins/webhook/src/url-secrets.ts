const shortestValue = 8;
const shortestSegment = 16;

/** Many receivers put their key into the path or the query; what looks like one counts as one, as it is written and decoded. */
export function urlSecrets({ pathname, search }: URL): string[] {
  const parts = search.slice(1).split("&");
  const segments = [...pathname.split("/"), ...parts.filter((part) => !part.includes("="))];
  const values = parts
    .filter((part) => part.includes("="))
    .map((part) => part.slice(part.indexOf("=") + 1));
  return [
    ...segments.filter((segment) => isKey(decode(segment))),
    ...values.filter((value) => decode(value).length >= shortestValue),
  ].flatMap((text) => [text, decode(text), decode(text.replaceAll("+", " "))]);
}

/** Told from words by length and mixture: a digit, or letters on end that read like no words. */
function isKey(segment: string): boolean {
  if (segment.length < shortestSegment || /\s/.test(segment)) return false;
  return /\d/.test(segment) || (segment.match(/[A-Za-z]{12,}/g) ?? []).some(isUnreadable);
}

/** Less than a quarter vowels, or capitals so often that words would have fewer than three letters. */
function isUnreadable(letters: string): boolean {
  const vowels = letters.match(/[aeiou]/gi) ?? [];
  const words = letters.match(/[A-Z]?[a-z]+|[A-Z]+(?![a-z])/g) ?? [];
  return vowels.length < letters.length / 4 || words.length > letters.length / 3;
}

/** A URL may hold what is no percent-encoding. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
