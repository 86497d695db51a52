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
