import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exitCodes } from '../../cli/exit';
import { cliMain } from '../../cli/testing/run-cli';

type Ran = { readonly status: number | null; readonly stdout: string; readonly said: string };

/** A local stack of real processes in a state folder of its own, and the command line beside it, as a person has both. */
export class CommandLine {
  /** The state folder. */
  home = '';
  private stack: ChildProcess | undefined;

  /** Makes the state folder. Hosts can be given VMs before the stack is started. */
  open(name: string): void {
    this.home = mkdtempSync(join(tmpdir(), `hyperferry-${name}-`));
  }

  /** Starts the stack; rejects where it does not become ready. */
  async up(): Promise<void> {
    const up = spawn(process.execPath, [cliMain, 'up', '--json'], {
      env: this.environment(),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.stack = up;
    let said = '';
    up.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString('utf8')).slice(-2000)));
    const ready = new Promise<boolean>((resolve) => {
      up.stdout.on('data', (chunk: Buffer) => chunk.toString('utf8').includes('"ready":true') && resolve(true));
      up.on('exit', () => resolve(false));
    });
    if (!(await ready)) throw new Error(`the stack did not start:\n${said}`);
  }

  /** Runs a command to its end. */
  run(...args: string[]): Promise<Ran> {
    const child = spawn(process.execPath, [cliMain, ...args], {
      env: this.environment(),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [stdout, said] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString('utf8')));
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString('utf8')));
    return new Promise((resolve) => child.on('close', (status) => resolve({ status, stdout, said: stdout + said })));
  }

  /** What a command prints that is to do what it was asked for; rejects where it does not. */
  async done(...args: string[]): Promise<string> {
    const { status, stdout, said } = await this.run(...args);
    if (status !== exitCodes.done.code) throw new Error(`hyperferry ${args.join(' ')} ended with ${status}:\n${said}`);
    return stdout;
  }

  /** The folder of a simulated host. */
  hostFolder(host: string): string {
    return join(this.home, 'hosts', host);
  }

  /** The folder of VMs of a host, or one below it. */
  folderOn(host: string, ...names: string[]): string {
    return join(this.hostFolder(host), 'volumes', 'vms', ...names);
  }

  /** Ends the stack and removes all that it made. */
  async close(): Promise<void> {
    const ended = new Promise((resolve) => this.stack?.on('exit', resolve));
    if (this.stack?.kill('SIGTERM') === true) await ended;
    rmSync(this.home, { recursive: true, force: true, maxRetries: 20, retryDelay: 250 });
  }

  private environment(): NodeJS.ProcessEnv {
    return { ...process.env, HYPERFERRY_HOME: this.home, HYPERFERRY_API: '' };
  }
}
