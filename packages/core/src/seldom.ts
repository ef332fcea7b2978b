const quietMs = 60_000;
/** What differs each time, as a message with a value in it does, counts as one from so many on. */
const mostTexts = 20;

interface Said {
  until: number;
  unsaid: number;
}

/** Says what is said again and again once a minute, with how often it was not: an event may fail thousands of times a second. */
export function seldom(say: (text: string) => void, now: () => number): (text: string) => void {
  const texts = new Map<string, Said>();
  return (text) => {
    const key = texts.has(text) || texts.size < mostTexts ? text : "";
    const said = texts.get(key) ?? { until: Number.NEGATIVE_INFINITY, unsaid: 0 };
    texts.set(key, said);
    const at = now();
    if (at < said.until) {
      said.unsaid += 1;
      return;
    }
    const { unsaid } = said;
    said.until = at + quietMs;
    said.unsaid = 0;
    say(unsaid === 0 ? text : `${text} (${unsaid} more of these since the last one)`);
  };
}
