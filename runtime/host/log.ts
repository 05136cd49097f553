import { EOL } from 'node:os';

export const logLevels = ['trace', 'debug', 'information', 'warning', 'error', 'critical', 'none'] as const;
export type LogLevel = (typeof logLevels)[number];

const levelMarks: Readonly<Record<LogLevel, string>> = {
  trace: 'trce',
  debug: 'dbug',
  information: 'info',
  warning: 'warn',
  error: 'fail',
  critical: 'crit',
  none: 'none',
};

/** Writes log lines in the manner of the Functions host: time, level, category, text; one line each, on standard error. */
export class Log {
  readonly #rankMin: number;
  readonly #write: (line: string) => void;

  constructor(levelMin: LogLevel, write: (line: string) => void = (line) => void process.stderr.write(line + EOL)) {
    this.#rankMin = logLevels.indexOf(levelMin);
    this.#write = write;
  }

  line(level: LogLevel, category: string, message: string): void {
    if (logLevels.indexOf(level) < this.#rankMin) return;
    // A message of several lines stays one entry.
    const text = message.replaceAll(/\r?\n/g, '\\n');
    this.#write(`[${new Date().toISOString()}] ${levelMarks[level]}: ${category}: ${text}`);
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

/** The level by the name that apps and host.json use; information for an unknown one. */
export const logLevelOf = (name: string): LogLevel =>
  logLevels.find((level) => level === name.toLowerCase()) ?? 'information';
