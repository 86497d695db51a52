/**
 * Rows as CSV (RFC 4180). What a spreadsheet would take for a formula gets an apostrophe before it; telephone numbers
 * such as +49301234 stay as they are.
 */
export function csv(rows: string[][]): string {
  return rows.map((row) => row.map(field).join(',')).join('\r\n') + '\r\n';
}

function field(value: string): string {
  const safe = /^[=@\t\r]|^[+-](?![\d\s()/-]+$)/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export type CsvRow = { /** Where it begins, from 1. */ line: number; fields: string[] };

/** Rows of a CSV file (RFC 4180) with commas, semicolons or tabs, whichever its first line has most of. Empty rows are left out. */
export function parseCsv(text: string): CsvRow[] {
  const separator = separatorOf(text);
  const rows: CsvRow[] = [];
  let [row, value, quoted, line] = [{ line: 1, fields: [] } as CsvRow, '', false, 1];
  const endRow = () => {
    row.fields.push(value);
    if (row.fields.some((one) => one.trim() !== '')) rows.push(row);
    row = { line, fields: [] };
    value = '';
  };
  const body = text.replace(/^\uFEFF/, '').replace(/\r\n?/g, '\n');
  for (let at = 0; at < body.length; at += 1) {
    const letter = body[at] as string;
    if (letter === '\n') line += 1;
    if (quoted) {
      if (letter !== '"') value += letter;
      else if (body[at + 1] === '"') value += body[(at += 1)];
      else quoted = false;
    } else if (letter === '"' && value === '') quoted = true;
    else if (letter === separator) {
      row.fields.push(value);
      value = '';
    } else if (letter === '\n') endRow();
    else value += letter;
  }
  endRow();
  return rows;
}

function separatorOf(text: string): string {
  const [first = ''] = text.split(/\r?\n/, 1);
  const count = (separator: string) => first.split(separator).length;
  return [',', ';', '\t'].reduce((best, one) => (count(one) > count(best) ? one : best));
}
