// From a place in the bundle to the place in the sources, by the source map (version 3) that the builder appends to it.

/** A place as an editor counts it: from 1. */
export interface Place {
  source: string;
  line: number;
  column: number;
}

declare global {
  /** Set by the builder, after all code of the bundle. */
  var __tandemSourceMap: { sources: string[]; mappings: string } | undefined;
}

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** Where line and column (from 1) of the bundle come from. Read anew each time: only what fails needs it. */
export function original(line: number, column: number): Place | undefined {
  const map = globalThis.__tandemSourceMap;
  if (!map) {
    return undefined;
  }
  let [source, row, col] = [0, 0, 0];
  let found: Place | undefined;
  for (const [at, group] of map.mappings.split(';').entries()) {
    if (at >= line) {
      break;
    }
    let bundleColumn = 0;
    for (const segment of group.split(',')) {
      const [columnBy = 0, sourceBy, rowBy = 0, colBy = 0] = numbers(segment);
      bundleColumn += columnBy;
      if (sourceBy === undefined) {
        continue;
      }
      source += sourceBy;
      row += rowBy;
      col += colBy;
      if (at === line - 1 && bundleColumn < column) {
        found = { source: map.sources[source] ?? '?', line: row + 1, column: col + 1 };
      }
    }
  }
  return found;
}

/** Base-64 variable-length quantities: five bits a digit, the lowest first; the lowest bit of all is the sign. */
function numbers(segment: string): number[] {
  const out: number[] = [];
  let [value, shift] = [0, 0];
  for (const digit of segment) {
    const bits = DIGITS.indexOf(digit);
    value += (bits & 31) << shift;
    shift += 5;
    if (bits < 32) {
      out.push(value & 1 ? -(value >> 1) : value >> 1);
      [value, shift] = [0, 0];
    }
  }
  return out;
}
