import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';

export const agentMain = join(__dirname, '..', '..', 'agent', 'main.js');

const readyLine = z.object({ ready: z.literal(true), hostId: z.string(), byteRoutePort: z.int() });
export type Ready = z.infer<typeof readyLine>;

/** Compiled code is kept from start to start: the tests start many agents. */
const quickStart = { NODE_COMPILE_CACHE: join(tmpdir(), 'hyperferry-test-compile-cache') };

/** A real agent process, started from a configuration and ended as the test wants. */
export class AgentProcess {
  static readonly #alive = new Set<AgentProcess>();
  static #configs = 0;
  readonly #child: ChildProcess;
  /** What it wrote on its standard error, line by line. */
  readonly lines: string[] = [];
  readonly ready: Promise<Ready>;
  readonly exited: Promise<number | null>;

  private constructor(child: ChildProcess) {
    this.#child = child;
    AgentProcess.#alive.add(this);
    const ready = Promise.withResolvers<Ready>();
    this.ready = ready.promise;
    this.exited = once(child, 'exit').then(() => {
      AgentProcess.#alive.delete(this);
      ready.reject(new Error(`the agent ended with ${child.exitCode}: ${this.lines.slice(-3).join('\n')}`));
      return child.exitCode;
    });
    // A test that expects the process to fail does not look at it.
    this.ready.catch(() => undefined);
    if (child.stdout === null || child.stderr === null) throw new Error('the child has no pipes');
    createInterface({ input: child.stdout }).on('line', (line) => ready.resolve(readyLine.parse(JSON.parse(line))));
    createInterface({ input: child.stderr }).on('line', (line) => this.lines.push(line));
  }

  /** Writes the configuration beside the state folder and starts the agent with it. */
  static async start(folder: string, config: object, env: NodeJS.ProcessEnv = {}): Promise<AgentProcess> {
    const path = join(folder, `agent-${(AgentProcess.#configs += 1)}.json`);
    await writeFile(path, JSON.stringify(config));
    return AgentProcess.run(['--config', path], env);
  }

  static run(args: readonly string[], env: NodeJS.ProcessEnv = {}): AgentProcess {
    return new AgentProcess(
      spawn(process.execPath, [agentMain, ...args], {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { ...process.env, ...quickStart, ...env },
      }),
    );
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  logged(text: string): boolean {
    return this.lines.some((line) => line.includes(text));
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.exited;
  }

  /** Asks it to end; answers its exit code. */
  async end(): Promise<number | null> {
    this.#child.kill('SIGTERM');
    return this.exited;
  }

  /** Kills what a test left. */
  static async killAll(): Promise<void> {
    await Promise.all([...AgentProcess.#alive].map((agent) => agent.kill()));
  }
}
