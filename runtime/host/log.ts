import { EOL } from 'node:os';

export const logLevels = ['trace', 'debug', 'information', 'warning', 'error', 'critical', 'none'] as const;
export type LogLevel = (typeof logLevels)[number];

/** How lines are written: in the manner of the Functions host, or one JSON object each. */
export const logFormats = ['text', 'json'] as const;
export type LogFormat = (typeof logFormats)[number];

const levelMarks: Readonly<Record<LogLevel, string>> = {
  trace: 'trce',
  debug: 'dbug',
  information: 'info',
  warning: 'warn',
  error: 'fail',
  critical: 'crit',
  none: 'none',
};

/** The lowest level that is written: of everything, and of categories by their name or the beginning of it up to a dot. */
export type LogFilter = { readonly levelMin: LogLevel; readonly byCategory?: Readonly<Record<string, LogLevel>> };

/** What a line is about, for programs that read it; text lines leave it out. */
export type LogFields = Readonly<Record<string, string | number>>;

export type LogOptions = {
  readonly format?: LogFormat;
  readonly write?: (line: string) => void;
  readonly now?: () => Date;
};

/** Writes log lines: time, level, category, text; one line each, on standard error. */
export class Log {
  readonly #filter: LogFilter;
  readonly #ranks = new Map<string, number>();
  readonly #format: LogFormat;
  readonly #write: (line: string) => void;
  readonly #now: () => Date;

  constructor(filter: LogFilter, options: LogOptions = {}) {
    this.#filter = filter;
    this.#format = options.format ?? 'text';
    this.#write = options.write ?? ((line): void => void process.stderr.write(line + EOL));
    this.#now = options.now ?? ((): Date => new Date());
  }

  line(level: LogLevel, category: string, message: string, fields: LogFields = {}): void {
    if (!this.isWritten(level, category)) return;
    const time = this.#now().toISOString();
    if (this.#format === 'json') {
      this.#write(JSON.stringify({ time, level, category, message, ...fields }));
      return;
    }
    // A message of several lines stays one entry.
    const text = message.replaceAll(/\r?\n/g, '\\n');
    this.#write(`[${time}] ${levelMarks[level]}: ${category}: ${text}`);
  }

  /** Whether lines of this level and category are written; for those that cost something to make. */
  isWritten(level: LogLevel, category: string): boolean {
    let rankMin = this.#ranks.get(category);
    if (rankMin === undefined) {
      rankMin = logLevels.indexOf(levelMinOf(this.#filter, category));
      this.#ranks.set(category, rankMin);
    }
    return logLevels.indexOf(level) >= rankMin;
  }

  info(message: string): void {
    this.line('information', 'Host', message);
  }

  warn(message: string): void {
    this.line('warning', 'Host', message);
  }

  error(message: string): void {
    this.line('error', 'Host', message);
  }
}

/** The level of the longest name that the category is or begins with, as in Azure; names do not depend on case. */
function levelMinOf({ levelMin, byCategory = {} }: LogFilter, category: string): LogLevel {
  const wanted = category.toLowerCase();
  const [longest] = Object.entries(byCategory)
    .map(([name, level]) => ({ name: name.toLowerCase(), level }))
    .filter(({ name }) => wanted === name || wanted.startsWith(`${name}.`))
    .sort((a, b) => b.name.length - a.name.length);
  return longest?.level ?? levelMin;
}

/** The level by the name that apps and host.json use; information for an unknown one. */
export const logLevelOf = (name: string): LogLevel =>
  logLevels.find((level) => level === name.toLowerCase()) ?? 'information';
