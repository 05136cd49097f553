/** What a value should be: a literal, or a matcher for what differs from run to run. */
export type Expected =
  string | number | boolean | null | undefined | Matcher | readonly Expected[] | { readonly [name: string]: Expected };

/** Values of a run by name; `{name}` in expected texts stands for them. */
export type Variables = Readonly<Record<string, string>>;

/** Says what is wrong with a value, or nothing when it is right. */
export class Matcher {
  constructor(
    readonly text: string,
    readonly complaint: (actual: unknown, variables: Variables, path: string) => string | undefined,
  ) {}
}

export const fill = (text: string, variables: Variables): string =>
  text.replaceAll(/\{([A-Za-z]\w*)\}/g, (whole, name: string) => variables[name] ?? whole);

const shown = (value: unknown): string => {
  const text = value === undefined ? 'undefined' : JSON.stringify(value);
  return text.length > 300 ? `${text.slice(0, 300)}…` : text;
};
const wrong = (path: string, expected: string, actual: unknown): string =>
  `${path} is ${shown(actual)}, not ${expected}`;

/** Any value, or none. */
export const anything = new Matcher('anything', () => undefined);

/** A text with this in it; `{name}` in the pattern stands for a variable. */
export const matching = (pattern: RegExp): Matcher =>
  new Matcher(String(pattern), (actual, variables, path) => {
    const filled = new RegExp(fill(pattern.source, variables), pattern.flags);
    return typeof actual === 'string' && filled.test(actual) ? undefined : wrong(path, String(filled), actual);
  });

export const textWith = (part: string): Matcher =>
  new Matcher(`a text with '${part}'`, (actual, variables, path) => {
    const wanted = fill(part, variables);
    return typeof actual === 'string' && actual.includes(wanted) ? undefined : wrong(path, `with '${wanted}'`, actual);
  });

/** A number of this range, ends included. */
export const between = (min: number, max = Infinity): Matcher =>
  new Matcher(`${min} to ${max}`, (actual, _variables, path) =>
    typeof actual === 'number' && actual >= min && actual <= max ? undefined : wrong(path, `${min} to ${max}`, actual),
  );

export const oneOf = (...choices: readonly Expected[]): Matcher =>
  new Matcher('one of some', (actual, variables, path) =>
    choices.some((choice) => difference(choice, actual, variables, path) === undefined)
      ? undefined
      : wrong(path, `one of ${shown(choices)}`, actual),
  );

/** An object that has these fields; others may be there. */
export const some = (fields: { readonly [name: string]: Expected }): Matcher =>
  new Matcher('an object with some fields', (actual, variables, path) => {
    if (!isObject(actual)) return wrong(path, 'an object', actual);
    return firstDifference(Object.entries(fields), actual, variables, path);
  });

/** A list of so many items. */
export const listOf = (length: number, item: Expected = anything): Matcher =>
  new Matcher(`a list of ${length}`, (actual, variables, path) => {
    if (!Array.isArray(actual) || actual.length !== length) return wrong(path, `a list of ${length} items`, actual);
    return actual.map((value, index) => difference(item, value, variables, `${path}[${index}]`)).find(isText);
  });

/** A list with such an item. */
export const listWith = (item: Expected): Matcher =>
  new Matcher('a list with an item', (actual, variables, path) =>
    Array.isArray(actual) && actual.some((value) => difference(item, value, variables, path) === undefined)
      ? undefined
      : wrong(path, `a list with ${shown(item)}`, actual),
  );

/** A list none of whose items is such. */
export const listWithout = (item: Expected): Matcher =>
  new Matcher('a list without an item', (actual, variables, path) =>
    Array.isArray(actual) && actual.every((value) => difference(item, value, variables, path) !== undefined)
      ? undefined
      : wrong(path, `a list without ${shown(item)}`, actual),
  );

/** How a value differs from what was expected; undefined when it does not. */
export function difference(
  expected: Expected,
  actual: unknown,
  variables: Variables,
  path: string,
): string | undefined {
  if (expected instanceof Matcher) return expected.complaint(actual, variables, path);
  if (typeof expected === 'string') {
    const wanted = fill(expected, variables);
    return actual === wanted ? undefined : wrong(path, shown(wanted), actual);
  }
  if (Array.isArray(expected)) {
    if (!Array.isArray(actual) || actual.length !== expected.length) return wrong(path, shown(expected), actual);
    return expected
      .map((item: Expected, index) => difference(item, actual[index], variables, `${path}[${index}]`))
      .find(isText);
  }
  if (typeof expected === 'object' && expected !== null) return objectDifference(expected, actual, variables, path);
  return actual === expected ? undefined : wrong(path, shown(expected), actual);
}

function objectDifference(expected: object, actual: unknown, variables: Variables, path: string): string | undefined {
  if (!isObject(actual)) return wrong(path, shown(expected), actual);
  const extra = Object.keys(actual).find((name) => !(name in expected));
  if (extra !== undefined) return `${path}.${extra} should not be there: ${shown(actual[extra])}`;
  return firstDifference(Object.entries(expected), actual, variables, path);
}

const firstDifference = (
  fields: readonly (readonly [string, Expected])[],
  actual: Readonly<Record<string, unknown>>,
  variables: Variables,
  path: string,
): string | undefined =>
  fields.map(([name, value]) => difference(value, actual[name], variables, `${path}.${name}`)).find(isText);

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isText = (value: string | undefined): value is string => value !== undefined;
