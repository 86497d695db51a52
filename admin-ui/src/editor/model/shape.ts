/**
 * Small combinators that check the shape of JSON from outside. Each check names what is wrong by its path. Unknown keys
 * are refused, as the server refuses them: a misspelt key would be a step that silently does something else.
 */

export interface ShapeProblem {
  path: string;
  detail: string;
}

/** Adds to `problems` what is wrong with `value`. */
export type Shape = (value: unknown, path: string, problems: ShapeProblem[]) => void;

export const join = (path: string, key: string | number): string => (path === '' ? String(key) : `${path}.${key}`);

function nameOf(value: unknown): string {
  if (value === null) return 'null';
  if (value === undefined) return 'nothing';
  return Array.isArray(value) ? 'an array' : typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const text: Shape = (value, path, problems) => {
  if (typeof value !== 'string') problems.push({ path, detail: `must be a text, not ${nameOf(value)}` });
};

export const whole: Shape = (value, path, problems) => {
  if (!Number.isInteger(value) || (value as number) < 0) {
    problems.push({ path, detail: 'must be a whole number, 0 or more' });
  }
};

export const finite: Shape = (value, path, problems) => {
  if (typeof value !== 'number' || !Number.isFinite(value)) problems.push({ path, detail: 'must be a number' });
};

export const flag: Shape = (value, path, problems) => {
  if (typeof value !== 'boolean') problems.push({ path, detail: 'must be true or false' });
};

export const oneOf =
  (words: readonly string[]): Shape =>
  (value, path, problems) => {
    if (typeof value !== 'string' || !words.includes(value)) {
      problems.push({ path, detail: `must be one of ${words.join(', ')}` });
    }
  };

export const nullable =
  (inner: Shape): Shape =>
  (value, path, problems) => {
    if (value !== null) inner(value, path, problems);
  };

export const either =
  (pick: (value: unknown) => Shape): Shape =>
  (value, path, problems) =>
    pick(value)(value, path, problems);

export const list =
  (item: Shape): Shape =>
  (value, path, problems) => {
    if (!Array.isArray(value)) problems.push({ path, detail: `must be an array, not ${nameOf(value)}` });
    else value.forEach((element, index) => item(element, join(path, index), problems));
  };

export const tuple =
  (...items: Shape[]): Shape =>
  (value, path, problems) => {
    if (!Array.isArray(value) || value.length !== items.length) {
      problems.push({ path, detail: `must be an array of ${items.length}` });
    } else items.forEach((item, index) => item(value[index], join(path, index), problems));
  };

export const record =
  (item: Shape, keys?: readonly string[]): Shape =>
  (value, path, problems) => {
    if (!isObject(value)) {
      problems.push({ path, detail: `must be an object, not ${nameOf(value)}` });
      return;
    }
    for (const [key, element] of Object.entries(value)) {
      if (keys !== undefined && !keys.includes(key)) {
        problems.push({ path: join(path, key), detail: `unknown key; known are ${keys.join(', ')}` });
      } else item(element, join(path, key), problems);
    }
  };

/** An object of exactly these keys; those in `optional` may be missing. */
export const object =
  (required: Record<string, Shape>, optional: Record<string, Shape> = {}): Shape =>
  (value, path, problems) => {
    if (!isObject(value)) {
      problems.push({ path, detail: `must be an object, not ${nameOf(value)}` });
      return;
    }
    for (const [key, shape] of Object.entries(required)) {
      if (Object.hasOwn(value, key)) shape(value[key], join(path, key), problems);
      else problems.push({ path: join(path, key), detail: 'is missing' });
    }
    for (const [key, element] of Object.entries(value)) {
      if (Object.hasOwn(required, key)) continue;
      const shape = Object.hasOwn(optional, key) ? optional[key] : undefined;
      if (shape) shape(element, join(path, key), problems);
      else problems.push({ path: join(path, key), detail: 'unknown key' });
    }
  };

/** An object of exactly one key, which says what it is. */
export const tagged =
  (variants: Record<string, Shape>): Shape =>
  (value, path, problems) => {
    const keys = isObject(value) ? Object.keys(value) : [];
    const key = keys[0];
    if (!isObject(value) || keys.length !== 1 || key === undefined) {
      problems.push({ path, detail: `must be an object with one key out of ${Object.keys(variants).join(', ')}` });
      return;
    }
    const shape = Object.hasOwn(variants, key) ? variants[key] : undefined;
    if (shape) shape(value[key], join(path, key), problems);
    else problems.push({ path: join(path, key), detail: `unknown; known are ${Object.keys(variants).join(', ')}` });
  };
