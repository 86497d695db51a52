import { expect, it } from 'vitest';

import { office } from '../model/samples';
import { neighbour } from './neighbour';

it('goes to the nearest node in a direction', () => {
  const { flow, drawing } = office();
  const place = (nodes: Record<string, [number, number]>) =>
    ({ flow, drawing: { ...drawing, nodes: Object.fromEntries(Object.entries(nodes).map(([id, [x, y]]) => [id, { x, y }])) } });
  const document = place({ main: [0, 0], anna: [300, 0], ask: [300, 200], call: [600, 0], busy: [0, 300], back: [900, 900], bye: [-300, 10] });
  expect(neighbour(document, 'main', 1, 0)).toBe('anna');
  expect(neighbour(document, 'main', 0, 1)).toBe('busy');
  expect(neighbour(document, 'main', -1, 0)).toBe('bye');
  expect(neighbour(document, 'main', 0, -1)).toBeUndefined();
  expect(neighbour(document, undefined, 1, 0)).toBe('main');
});
