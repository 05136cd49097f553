import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';

export const cliMain = join(__dirname, '..', 'main.js');

export type CliRun = {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
};

export type CliProcess = { readonly child: ChildProcess; readonly ended: Promise<CliRun>; stdout(): string };

/** The built command line as a child process, with no terminal and with no HYPERFERRY_ settings but the given ones. */
export function startCli(
  args: readonly string[],
  options: { env?: Record<string, string>; node?: string; input?: string } = {},
): CliProcess {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('HYPERFERRY_'));
  const child = spawn(options.node ?? process.execPath, [cliMain, ...args], {
    env: { ...Object.fromEntries(inherited), HYPERFERRY_HOME: '/nonexistent/hyperferry', ...options.env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString('utf8')));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString('utf8')));
  child.stdin.end(options.input ?? '');
  const ended = new Promise<CliRun>((resolve) => {
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
  return { child, ended, stdout: () => stdout };
}

export const runCli = (args: readonly string[], options: Parameters<typeof startCli>[1] = {}): Promise<CliRun> =>
  startCli(args, options).ended;
