import type { Expected } from './match';

/** Where a case may run: on the SQLite store, mostly in a host process; on the memory store with virtual time; or on an app in Azure. */
export type Place = 'sqlite' | 'memory' | 'azure';

export const areas = [
  'activities',
  'retry',
  'sub-orchestrations',
  'timers',
  'events',
  'tasks',
  'continue-as-new',
  'custom status',
  'versions',
  'replay',
  'failures',
  'determinism',
  'control',
  'purge',
  'query',
  'entities',
  'locks',
  'client',
  'http api',
  'http functions',
  'timer functions',
  'callHttp',
  'bad input',
] as const;
export type Area = (typeof areas)[number];

/** Which key goes with a request; the master key where nothing is said. */
export type KeyChoice = 'none' | 'wrong' | 'function' | 'system' | 'master' | 'master in the address';

/** A request; `{name}` in its texts stands for a variable, `{id}` for the case's own instance id. */
export type Request = {
  readonly method: string;
  /** Below the origin; `durable:` stands for the base of the management API. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly json?: unknown;
  /** Sent as it is. */
  readonly text?: string;
  /** Sent as so many bytes. */
  readonly byteCount?: number;
  readonly key?: KeyChoice;
};

export type Answer = {
  readonly status: number | readonly number[];
  /** By name in lower case; null for one that must not be there. */
  readonly headers?: { readonly [name: string]: Expected };
  /** Parsed when it is JSON; '' when there is none. Not looked at when left out. */
  readonly body?: Expected;
};

export type Step =
  | {
      readonly kind: 'exchange';
      readonly request: Request;
      readonly answer: Answer;
      /** Keeps a part of the answer (`body.id`, `headers.location`) as a variable. */
      readonly save?: Readonly<Record<string, string>>;
      /** Asked again until the answer fits; until the instance has ended, when so said. */
      readonly until?: 'fits' | 'ended';
      /** Time that may pass meanwhile: virtual time where there is such, else real time. */
      readonly msMax?: number;
    }
  /** Time passes: virtual time where there is such. */
  | { readonly kind: 'pass'; readonly ms: number }
  /** All at once; `{n}` is the number of the repetition. */
  | { readonly kind: 'together'; readonly count: number; readonly steps: readonly Step[] }
  /** Several rows of steps at the same time. */
  | { readonly kind: 'beside'; readonly rows: readonly (readonly Step[])[] }
  /** Text on a bare connection, in pieces with a pause between them. */
  | {
      readonly kind: 'socket';
      readonly pieces: readonly string[];
      readonly pauseMs: number;
      /** The connection is cut after so long. */
      readonly msMax?: number;
      readonly answer: RegExp;
    };

/** One claim about the engine, as data. */
export type Case = {
  readonly area: Area;
  /** A sentence that can be false. */
  readonly name: string;
  /** Functions of the app that take part. */
  readonly uses: readonly string[];
  /** What is done, and what the real extension answers. */
  readonly steps: readonly Step[];
  /** What this runtime does instead, and why; docs/runtime.md lists it. */
  readonly here?: { readonly reason: string; readonly steps: readonly Step[] };
  /** It takes long, so it runs where time is virtual only. */
  readonly lasts?: 'hours' | 'days' | 'months';
  /** Real time decides which of its activities ends first. */
  readonly activitiesOverlap?: true;
  /** Where it cannot run, with the reason. */
  readonly except?: Partial<Readonly<Record<Place, string>>>;
  /** It looks at, or changes, everything that there is: no other case runs beside it. */
  readonly isAlone?: true;
};
