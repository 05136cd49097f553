import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';

const mainFile = resolve(__dirname, '../main.js');
const ready = z.looseObject({ ready: z.literal(true), port: z.int(), pid: z.int() });

/** The time in which a host has to be ready, on a busy machine too. */
const readyMsMax = 60_000;

/** A folder of an app and one for its state; `remove` takes both away. */
export type AppFolder = { readonly app: string; readonly state: string; readonly remove: () => void };

/** Makes a folder of an app whose entry point is `entryFile`, below `parent`. */
export function makeAppFolder(
  entryFile: string,
  files: Readonly<Record<string, unknown>> = {},
  parent = tmpdir(),
): AppFolder {
  const root = mkdtempSync(join(parent, 'runtime-app-'));
  const app = join(root, 'app');
  mkdirSync(app);
  const all: Record<string, unknown> = {
    'package.json': { main: entryFile },
    'host.json': { version: '2.0' },
    ...files,
  };
  for (const [name, content] of Object.entries(all)) writeFileSync(join(app, name), JSON.stringify(content));
  return { app, state: join(root, 'state'), remove: () => rmSync(root, { recursive: true, force: true }) };
}

/** How a host ended that never became ready. */
export class HostFailed extends Error {
  constructor(
    readonly exitCode: number | null,
    readonly errorText: string,
  ) {
    super(`the host ended with ${String(exitCode)}: ${errorText}`);
  }
}

/** A host process under test. */
export class HostUnderTest {
  readonly #child: ChildProcess;
  readonly #exited: Promise<number | null>;
  readonly log: string[] = [];
  #port = 0;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#exited = new Promise((resolveExit) => child.once('exit', (code) => resolveExit(code)));
    if (child.stderr !== null) createInterface({ input: child.stderr }).on('line', (line) => this.log.push(line));
  }

  /** Starts the process of a host and does not wait for it. */
  static spawn(
    folder: AppFolder,
    parameters: readonly string[] = [],
    environment: Readonly<Record<string, string>> = {},
  ): HostUnderTest {
    const child = spawn(
      process.execPath,
      [mainFile, '--app', folder.app, '--state', folder.state, '--port', '0', ...parameters],
      { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...environment } },
    );
    return new HostUnderTest(child);
  }

  /** Starts a host and waits until it serves; throws `HostFailed` when it ends instead. */
  static async start(...parameters: Parameters<typeof HostUnderTest.spawn>): Promise<HostUnderTest> {
    const host = HostUnderTest.spawn(...parameters);
    await host.#waitReady();
    return host;
  }

  async #waitReady(): Promise<void> {
    const announced = new Promise<string>((resolveLine) => {
      if (this.#child.stdout !== null) createInterface({ input: this.#child.stdout }).once('line', resolveLine);
    });
    const late = new AbortController();
    const line = await Promise.race([
      announced,
      this.#exited.then(() => undefined),
      sleep(readyMsMax, undefined, { signal: late.signal }).catch(() => undefined),
    ]);
    late.abort();
    if (line === undefined) {
      this.#child.kill('SIGKILL');
      throw new HostFailed(await this.#exited, this.log.join('\n'));
    }
    this.#port = ready.parse(JSON.parse(line)).port;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get origin(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  get durable(): string {
    return `${this.origin}/runtime/webhooks/durabletask`;
  }

  /** Kills the host in this very moment; `end` waits for it. */
  kill(): void {
    this.#child.kill('SIGKILL');
  }

  /** Ends the host as an operator would, or as a power cut would. Returns its exit code. */
  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null> {
    this.#child.kill(signal);
    return this.#exited;
  }

  fetch(path: string, options: RequestInit = {}): Promise<Response> {
    return fetch(`${this.origin}${path}`, options);
  }

  /** Starts an orchestration and returns its instance id. */
  async start(name: string, input?: unknown, instanceId?: string): Promise<string> {
    const path = instanceId === undefined ? name : `${name}/${instanceId}`;
    const response = await fetch(`${this.durable}/orchestrators/${path}`, {
      method: 'POST',
      body: input === undefined ? '' : JSON.stringify(input),
    });
    const body = z.looseObject({ id: z.string() }).parse(await response.json());
    return body.id;
  }

  raiseEvent(instanceId: string, name: string, input: unknown): Promise<Response> {
    return fetch(`${this.durable}/instances/${instanceId}/raiseEvent/${name}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(input),
    });
  }

  async exists(instanceId: string): Promise<boolean> {
    return (await fetch(`${this.durable}/instances/${instanceId}`)).status !== 404;
  }

  async status(instanceId: string, query = ''): Promise<InstanceStatus> {
    const response = await fetch(`${this.durable}/instances/${instanceId}${query}`);
    if (response.status === 404) throw new Error(`there is no instance '${instanceId}'`);
    return instanceStatus.parse(await response.json());
  }

  /** Waits until an instance has ended. Throws when it takes longer than `msMax`. */
  async ended(instanceId: string, msMax = 50_000): Promise<InstanceStatus> {
    return this.#until(
      instanceId,
      msMax,
      (status) => !['Pending', 'Running', 'Suspended'].includes(status.runtimeStatus),
    );
  }

  async #until(instanceId: string, msMax: number, isIt: (status: InstanceStatus) => boolean): Promise<InstanceStatus> {
    const untilMs = Date.now() + msMax;
    for (;;) {
      const status = await this.status(instanceId);
      if (isIt(status)) return status;
      if (Date.now() > untilMs) throw new Error(`'${instanceId}' is still ${JSON.stringify(status)}`);
      await sleep(20);
    }
  }
}

const instanceStatus = z.looseObject({
  name: z.string(),
  instanceId: z.string(),
  runtimeStatus: z.string(),
  input: z.unknown(),
  output: z.unknown(),
  customStatus: z.unknown(),
  historyEvents: z.array(z.record(z.string(), z.unknown())).optional(),
});
export type InstanceStatus = z.infer<typeof instanceStatus>;
