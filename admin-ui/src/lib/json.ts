export type JsonRead = { value: unknown } | { line: number; column: number };

/** Reads JSON; where it is none, gives the place of the first mistake. Nothing but blanks is no value, and no mistake. */
export function readJson(text: string): JsonRead {
  if (text.trim() === '') return { value: undefined };
  try {
    return { value: JSON.parse(text) as unknown };
  } catch (error) {
    return placeOf(text, String(error));
  }
}

/** Browsers tell the place as an offset or as line and column, or, at the end of the text, not at all. */
function placeOf(text: string, words: string): { line: number; column: number } {
  const lined = /line (\d+) column (\d+)/.exec(words);
  if (lined) return { line: Number(lined[1]), column: Number(lined[2]) };
  const offset = Number(/position (\d+)/.exec(words)?.[1] ?? text.trimEnd().length);
  const lines = text.slice(0, offset).split('\n');
  return { line: lines.length, column: (lines.at(-1)?.length ?? 0) + 1 };
}
