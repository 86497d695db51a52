/** The numbers of a field in which commas, semicolons or spaces part them. */
export function numbersOf(text: string): string[] {
  return text.split(/[\s,;]+/).filter(Boolean);
}
