import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, statSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';

/** A Node script that the stack runs. */
export type ChildCommand = {
  readonly script: string;
  readonly args: readonly string[];
  /** Over the environment of this process. */
  readonly env: Readonly<Record<string, string>>;
};

export type ChildEnd = { readonly code: number | null; readonly signal: NodeJS.Signals | null };

export type Child = {
  readonly pid: number;
  /** Lines of its standard output, as they come. */
  onLine(listener: (line: string) => void): void;
  readonly ended: Promise<ChildEnd>;
  signal(signal: NodeJS.Signals): void;
};

const logBytesMax = 8 * 1024 * 1024;
const guard = join(__dirname, 'guard.js');

function openLog(path: string): number {
  mkdirSync(dirname(path), { recursive: true });
  if (existsSync(path) && statSync(path).size > logBytesMax) renameSync(path, `${path}.1`);
  return openSync(path, 'a', 0o600);
}

/**
 * Starts the script under this very Node, with its output in the log file. It ends with this process: file descriptor 3 is the guard's
 * line (guard.ts). In a process group of its own, so that Ctrl-C in the terminal reaches this process alone, which stops the others in order.
 */
export function launch(command: ChildCommand, logPath: string): Child {
  const log = openLog(logPath);
  const process_: ChildProcess = spawn(
    process.execPath,
    ['--enable-source-maps', '--require', guard, command.script, ...command.args],
    {
      env: { ...process.env, ...command.env, HYPERFERRY_GUARD_PARENT: String(process.pid) },
      stdio: ['ignore', 'pipe', log, 'pipe'],
      detached: process.platform !== 'win32',
      windowsHide: true,
    },
  );
  const listeners: ((line: string) => void)[] = [];
  if (process_.stdout !== null)
    createInterface({ input: process_.stdout }).on('line', (line) => {
      writeSync(log, `${line}\n`);
      listeners.forEach((listener) => listener(line));
    });
  const ended = new Promise<ChildEnd>((resolve) => {
    process_.on('error', () => resolve({ code: null, signal: null }));
    process_.on('exit', (code, signal) => resolve({ code, signal }));
  });
  // Later than `exit`: when its output has ended, which a process that it started may hold open.
  process_.on('close', () => closeSync(log));
  return {
    pid: process_.pid ?? 0,
    onLine: (listener) => void listeners.push(listener),
    ended,
    signal: (signal) => void process_.kill(signal),
  };
}

/** The last lines of a log file, for a message about why its process did not come up. */
export function tailOf(logPath: string, lines = 5): string[] {
  if (!existsSync(logPath)) return [];
  return readFileSync(logPath, 'utf8').trimEnd().split('\n').slice(-lines);
}
