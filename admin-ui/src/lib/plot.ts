/** Lines through values, and the areas below them, as SVG paths: one of each stretch without a gap. */
export function linesOf(values: (number | null)[], most: number, width: number, height: number): { line: string; area: string }[] {
  const x = (index: number) => (values.length < 2 ? 0 : (index / (values.length - 1)) * width);
  // A pixel is left above, so that the highest stroke is not cut.
  const y = (value: number) => height - (most > 0 ? value / most : 0) * (height - 2) - 1;
  const round = (number: number) => Math.round(number * 10) / 10;
  const stretches: { x: number; y: number }[][] = [];
  let open = false;
  values.forEach((value, index) => {
    if (value !== null) {
      const point = { x: round(x(index)), y: round(y(value)) };
      if (open) stretches.at(-1)?.push(point);
      else stretches.push([point]);
    }
    open = value !== null;
  });
  return stretches.map((points) => {
    const [first, last] = [points[0]?.x ?? 0, points.at(-1)?.x ?? 0];
    // A point alone is a short stroke: a path of one point draws nothing.
    const all = points.length > 1 ? points : [...points, ...points.map((point) => ({ ...point, x: point.x + 1 }))];
    const line = all.map((point, index) => `${index === 0 ? 'M' : 'L'}${point.x} ${point.y}`).join('');
    return { line, area: `${line}L${last} ${height}L${first} ${height}Z` };
  });
}

/** The point that a place from the left is nearest to. */
export function placeOf(left: number, width: number, points: number): number | null {
  if (points === 0 || width <= 0) return null;
  return Math.min(points - 1, Math.max(0, Math.round((left / width) * (points - 1))));
}
