import { reading, Unreadable, type Reading } from '../host/reading';

/** One part of a route: text as it is, or a parameter. */
type Part =
  | { readonly kind: 'text'; readonly text: string }
  | {
      readonly kind: 'parameter';
      readonly name: string;
      readonly isCatchAll: boolean;
      readonly isOptional: boolean;
      readonly defaultValue: string | undefined;
      readonly constraints: readonly Constraint[];
    };
type Constraint = { readonly text: string; readonly accepts: (value: string) => boolean };
type Segment = readonly Part[];

/** A route template of ASP.NET as HTTP triggers use it: `vms/{id:guid}/disks/{*rest}`. */
export type Route = {
  readonly template: string;
  /** Routes that say more come first: text before constrained parameters, these before free ones, catch-all last. */
  readonly precedence: string;
  /** The parameters by name, or undefined when the path is another one. `segments` are decoded. */
  match(segments: readonly string[]): Record<string, string> | undefined;
};

export const parseRoute = (template: string): Reading<Route> => reading(() => readRoute(template));

function readRoute(template: string): Route {
  const parts = template
    .replaceAll(/^\/+|\/+$/g, '')
    .split('/')
    .filter((segment) => segment !== '')
    .map((segment) => parseSegment(segment, template));
  const isEarlyCatchAll = parts.slice(0, -1).some((segment) => segment.some(isCatchAll));
  if (isEarlyCatchAll) throw new Unreadable(`route "${template}": a catch-all parameter must be the last`);
  return { template, precedence: parts.map(rank).join(''), match: (segments) => matchSegments(parts, segments) };
}

const isCatchAll = (part: Part): boolean => part.kind === 'parameter' && part.isCatchAll;

function rank(segment: Segment): string {
  const [only] = segment;
  if (segment.length > 1) return '2';
  if (only === undefined || only.kind === 'text') return '1';
  const isFree = only.constraints.length === 0;
  if (only.isCatchAll) return isFree ? '5' : '4';
  return isFree ? '3' : '2';
}

function parseSegment(segment: string, template: string): Segment {
  const parts: Part[] = [];
  let at = 0;
  while (at < segment.length) {
    const open = segment.indexOf('{', at);
    if (open < 0) {
      parts.push({ kind: 'text', text: segment.slice(at) });
      break;
    }
    if (open > at) parts.push({ kind: 'text', text: segment.slice(at, open) });
    const close = closingBrace(segment, open);
    if (close < 0) throw new Unreadable(`route "${template}": "{" without "}"`);
    parts.push(parseParameter(segment.slice(open + 1, close), template));
    at = close + 1;
  }
  return parts;
}

/** The brace that closes the one at `open`; a regular expression in a constraint may hold doubled braces. */
function closingBrace(segment: string, open: number): number {
  for (let at = open + 1; at < segment.length; at += 1) {
    if (segment[at] !== '}') continue;
    if (segment[at + 1] === '}') at += 1;
    else return at;
  }
  return -1;
}

function parseParameter(text: string, template: string): Part {
  const match = /^(\*{0,2})([A-Za-z_][\w-]*)((?::[^=?]+(?:\([^)]*\))?)*)(?:=([^?]*))?(\?)?$/.exec(text);
  if (match === null) throw new Unreadable(`route "${template}": "{${text}}" is no parameter`);
  const [, stars = '', name = '', constraints = '', defaultValue, optional] = match;
  return {
    kind: 'parameter',
    name,
    isCatchAll: stars !== '',
    isOptional: optional === '?' || defaultValue !== undefined,
    defaultValue,
    constraints: splitConstraints(constraints).map((constraint) => constraintOf(constraint, template)),
  };
}

/** Constraints follow each other with ":", which may also stand inside their parentheses. */
function splitConstraints(text: string): string[] {
  const constraints: string[] = [];
  let depth = 0;
  for (const character of text) {
    if (character === ':' && depth === 0) {
      constraints.push('');
      continue;
    }
    if (character === '(') depth += 1;
    if (character === ')') depth -= 1;
    constraints.push((constraints.pop() ?? '') + character);
  }
  return constraints;
}

const isInteger = (value: string): boolean => /^[+-]?\d+$/.test(value);
const isNumber = (value: string): boolean => /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(value);
const guid = /^\{?[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}\}?$/i;

function constraintOf(text: string, template: string): Constraint {
  const [, name = text, rawArguments = ''] = /^(\w+)(?:\((.*)\))?$/s.exec(text) ?? [];
  const numbers = rawArguments.split(',').map(Number);
  const [a = 0, b = a] = numbers;
  const accepts = acceptor(name.toLowerCase(), rawArguments, a, b);
  if (accepts === undefined) throw new Unreadable(`route "${template}": unknown constraint "${text}"`);
  return { text, accepts };
}

function acceptor(name: string, raw: string, a: number, b: number): ((value: string) => boolean) | undefined {
  switch (name) {
    case 'int':
      return (value) => isInteger(value) && Math.abs(Number(value)) <= 2 ** 31 - 1;
    case 'long':
      return isInteger;
    case 'float':
    case 'double':
    case 'decimal':
      return isNumber;
    case 'bool':
      return (value) => /^(true|false)$/i.test(value);
    case 'guid':
      return (value) => guid.test(value);
    case 'datetime':
      return (value) => !Number.isNaN(Date.parse(value));
    case 'alpha':
      return (value) => /^[a-z]*$/i.test(value);
    case 'required':
      return (value) => value !== '';
    case 'minlength':
      return (value) => value.length >= a;
    case 'maxlength':
      return (value) => value.length <= a;
    case 'length':
      return (value) => value.length >= a && value.length <= b;
    case 'min':
      return (value) => isInteger(value) && Number(value) >= a;
    case 'max':
      return (value) => isInteger(value) && Number(value) <= a;
    case 'range':
      return (value) => isInteger(value) && Number(value) >= a && Number(value) <= b;
    case 'regex': {
      const pattern = new RegExp(
        raw.replaceAll('{{', '{').replaceAll('}}', '}').replaceAll('[[', '[').replaceAll(']]', ']'),
        'i',
      );
      return (value) => pattern.test(value);
    }
    default:
      return undefined;
  }
}

function matchSegments(route: readonly Segment[], path: readonly string[]): Record<string, string> | undefined {
  const values: Record<string, string> = {};
  for (const [index, segment] of route.entries()) {
    const [only] = segment;
    if (only?.kind === 'parameter' && only.isCatchAll) {
      const rest = path.slice(index).join('/');
      return setParameter(only, rest === '' ? undefined : rest, values) ? values : undefined;
    }
    const text = path[index];
    if (text === undefined) {
      if (only?.kind !== 'parameter' || segment.length > 1 || !setParameter(only, undefined, values)) return undefined;
      continue;
    }
    if (!matchSegment(segment, text, values)) return undefined;
  }
  return path.length > route.length ? undefined : values;
}

function setParameter(
  part: Extract<Part, { kind: 'parameter' }>,
  value: string | undefined,
  values: Record<string, string>,
): boolean {
  const chosen = value ?? part.defaultValue;
  if (chosen === undefined) return part.isOptional || part.isCatchAll;
  if (!part.constraints.every((constraint) => constraint.accepts(chosen))) return false;
  values[part.name] = chosen;
  return true;
}

/** Matches one segment, which may mix text and parameters (`{name}.{extension}`); parameters take as much as they can. */
function matchSegment(parts: Segment, text: string, values: Record<string, string>): boolean {
  const pattern = parts
    .map((part) => (part.kind === 'text' ? part.text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&') : '(.+)'))
    .join('');
  const match = new RegExp(`^${pattern}$`, 'is').exec(text);
  if (match === null) return false;
  let group = 1;
  return parts.every((part) => part.kind === 'text' || setParameter(part, match[group++], values));
}
