import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { z } from 'zod';
import { describeThrown } from '../../../../contracts/failure';
import { within, type Clock } from '../../../clock';
import type { Engine } from './engine';
import { readLines } from './lines';
import { nativeError, type NativeError } from './native-error';

/** Values that a request may carry. Texts are marked on the way, see scripts/protocol.ps1. */
export type Argument = string | number | boolean | readonly string[];
export type Arguments = Readonly<Record<string, Argument>>;

/** What became of a call. `lost`: the worker died, hung or answered nonsense; whether the call had an effect is not known. */
export type Answer =
  | { readonly type: 'value'; readonly value: unknown; readonly warnings: readonly string[] }
  | { readonly type: 'error'; readonly error: NativeError }
  | { readonly type: 'lost'; readonly why: string };

export type WorkerOptions = {
  readonly engine: Engine;
  /** worker.ps1. */
  readonly script: string;
  /** Another table of handlers than the script's own, for tests of the worker itself. */
  readonly table?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly clock: Clock;
  readonly newGuid: () => string;
  /** Whatever it prints that is no answer. */
  readonly noise: (line: string) => void;
  readonly startMsMax: number;
  readonly answerBytesMax: number;
};

const ready = z.discriminatedUnion('ready', [
  z.object({ ready: z.literal(true), engine: z.string(), pid: z.int().positive() }),
  z.object({ ready: z.literal(false), error: nativeError }),
]);
const reply = z.discriminatedUnion('ok', [
  z.object({ id: z.int(), ok: z.literal(true), value: z.unknown(), warnings: z.array(z.string()) }),
  z.object({ id: z.int(), ok: z.literal(false), error: nativeError }),
]);

const marked = (value: Argument): unknown =>
  typeof value === 'string' ? `=${value}` : typeof value === 'object' ? value.map((one) => `=${one}`) : value;

const noiseCharactersMax = 500;
const lastWordsMsMax = 2_000;

/** One PowerShell process that runs scripts/worker.ps1. It answers one call at a time; once `lost` it is dead and answers no more. */
export class Worker {
  private readonly child: ChildProcessWithoutNullStreams;
  private readonly prefix: string;
  private readonly ended: Promise<void>;
  /** The engine's own process, which is a child of the one that was started where a launcher stands between. */
  private enginePid: number | undefined;
  private whyLost: string | undefined;
  private awaited: ((text: string | undefined) => void) | undefined;
  private lastNoise = '';
  private calls = 0;

  private constructor(private readonly options: WorkerOptions) {
    const { engine, script, table, env, newGuid, answerBytesMax } = options;
    const mark = newGuid();
    this.prefix = `@${mark} `;
    const policy = ['-NoLogo', '-NoProfile', '-NonInteractive', '-ExecutionPolicy', 'Bypass'];
    const chosen = table === undefined ? [] : ['-Table', table];
    this.child = spawn(engine.command, [...policy, '-File', script, ...chosen], {
      stdio: 'pipe',
      windowsHide: true,
      ...(env && { env }),
    });
    const closed = new Promise<void>((resolve) => {
      this.child.once('close', () => {
        resolve();
      });
    });
    this.ended = new Promise((resolve) => {
      const end = (why: string): void => {
        this.lose(why);
        resolve();
      };
      this.child.once('error', (error) => {
        end(describeThrown(error));
      });
      this.child.once('exit', (code, signal) => {
        const why = `it ended with ${signal ?? `code ${code ?? 'unknown'}`}`;
        // What it wrote last is still read; but a process that the engine left behind may hold the pipes open for ever.
        void within(options.clock, lastWordsMsMax, closed).then(() => {
          end(why);
        });
      });
    });
    // A pipe that breaks is told by the end of the process.
    this.child.stdin.on('error', () => undefined);
    readLines(this.child.stdout, answerBytesMax, {
      line: (line) => {
        this.hear(line);
      },
      tooLong: () => {
        this.kill(`it answered more than ${answerBytesMax} bytes`);
      },
    });
    const bytesMax = 64 * 1024;
    readLines(this.child.stderr, bytesMax, { line: (line) => this.note(line), tooLong: () => undefined });
    this.child.stdin.write(`${mark}\n`);
  }

  /** Starts a process and waits until its modules are loaded. Answers why it cannot serve where it cannot; then nothing runs. */
  static async start(options: WorkerOptions): Promise<Worker | { readonly type: 'unusable'; readonly why: string }> {
    const worker = new Worker(options);
    const text = await worker.nextLine(options.startMsMax, 'it was not ready');
    const said = text === undefined ? undefined : parse(ready, text);
    if (said?.ready === true) {
      worker.enginePid = said.pid;
      return worker;
    }
    worker.kill('it answered nonsense when it started');
    await worker.ended;
    const told = said === undefined ? worker.describeLoss() : `${said.error.message} (${said.error.fullyQualifiedId})`;
    return { type: 'unusable', why: told };
  }

  get isLost(): boolean {
    return this.whyLost !== undefined;
  }
  get callCount(): number {
    return this.calls;
  }

  /** Calls a handler. `msMax` milliseconds without an answer, and the process is killed. No second call before the first was answered. */
  async call(handler: string, args: Arguments, msMax: number): Promise<Answer> {
    if (this.whyLost !== undefined) return { type: 'lost', why: this.describeLoss() };
    const id = ++this.calls;
    const sent = Object.fromEntries(Object.entries(args).map(([name, value]) => [name, marked(value)]));
    this.child.stdin.write(`${JSON.stringify({ id, handler, args: sent })}\n`);
    const text = await this.nextLine(msMax, `${handler} was not answered`);
    if (text === undefined) return { type: 'lost', why: this.describeLoss() };
    const said = parse(reply, text);
    if (said?.id !== id) {
      this.kill(`${handler} was answered with something else`);
      return { type: 'lost', why: this.describeLoss() };
    }
    return said.ok
      ? { type: 'value', value: said.value, warnings: said.warnings }
      : { type: 'error', error: said.error };
  }

  /** Lets the process end by itself once it has answered; after `msMax` it is killed. */
  async close(msMax: number): Promise<void> {
    this.child.stdin.end();
    if ((await within(this.options.clock, msMax, this.ended)) !== 'done') this.kill('it did not end');
    await this.ended;
    for (const stream of this.child.stdio) stream?.destroy();
  }

  private async nextLine(msMax: number, what: string): Promise<string | undefined> {
    let text: string | undefined;
    const heard = new Promise<void>((resolve) => {
      this.awaited = (line) => {
        text = line;
        resolve();
      };
      if (this.isLost) resolve();
    });
    if ((await within(this.options.clock, msMax, heard)) === 'late') this.kill(`${what} in ${msMax} ms`);
    this.awaited = undefined;
    return text;
  }

  private hear(line: string): void {
    if (!line.startsWith(this.prefix)) this.note(line);
    else if (this.awaited === undefined) this.kill('it answered what nobody had asked');
    else this.awaited(line.slice(this.prefix.length));
  }

  private note(line: string): void {
    if (line.trim() === '') return;
    this.lastNoise = line.slice(0, noiseCharactersMax);
    this.options.noise(this.lastNoise);
  }

  private kill(why: string): void {
    this.lose(why);
    if (this.enginePid !== undefined && this.enginePid !== this.child.pid) killIfThere(this.enginePid);
    this.child.kill('SIGKILL');
    for (const stream of this.child.stdio) stream?.destroy();
  }

  private lose(why: string): void {
    this.whyLost ??= why;
    this.awaited?.(undefined);
  }

  private describeLoss(): string {
    const said = this.lastNoise === '' ? '' : `; it last said: ${this.lastNoise}`;
    return `${this.whyLost ?? 'it is lost'}${said}`;
  }
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself.
  }
}

function parse<T>(schema: z.ZodType<T>, text: string): T | undefined {
  try {
    const parsed = schema.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}
