import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { outcomeOf } from '../../contracts/activity';
import { operationView, type OperationKind, type OperationView } from '../../contracts/operations';
import { seededRandom, type Random } from '../../relay/random';
import type { Asked } from './operations-child';
import { tempFolder } from './temp-folder';

const kills = Number(process.env['HYPERFERRY_AGENT_KILLS'] ?? 14);
const seed = Number(process.env['HYPERFERRY_SEED'] ?? 20261122);

const answerLine = z.object({ number: z.int(), outcome: outcomeOf(operationView) });
type Answer = z.infer<typeof answerLine>['outcome'];
type Request = Omit<Asked, 'number' | 'ask'>;

const effectLine = z.object({
  what: z.enum(['begin', 'stop', 'end']),
  id: z.string(),
  runId: z.string(),
  epoch: z.int(),
  kind: z.string(),
  execution: z.string(),
});
type Effect = z.infer<typeof effectLine>;

/** The child process, with its requests and answers. */
class Agent {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  static readonly #alive = new Set<Agent>();
  #number = 0;

  private constructor(child: ChildProcess) {
    this.#child = child;
    Agent.#alive.add(this);
  }

  /** Kills what a failed test left. */
  static async killAll(): Promise<void> {
    await Promise.all([...Agent.#alive].map((agent) => agent.kill()));
  }

  static async start(folder: string): Promise<Agent> {
    const child = spawn(process.execPath, [join(__dirname, 'operations-child.js'), folder], {
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    const agent = new Agent(child);
    const ready = Promise.withResolvers<undefined>();
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line === 'ready') ready.resolve(undefined);
      else agent.#take(line);
    });
    child.once('exit', (code) => ready.reject(new Error(`the child ended with ${code}`)));
    child.stdin.on('error', () => undefined);
    await ready.promise;
    return agent;
  }

  #take(line: string): void {
    // The last line of a killed child may be cut short.
    if (!line.endsWith('}')) return;
    const { number, outcome } = answerLine.parse(JSON.parse(line));
    this.#waiting.get(number)?.(outcome);
    this.#waiting.delete(number);
  }

  ask(ask: Asked['ask'], request: Request): Promise<Answer> {
    const number = (this.#number += 1);
    return new Promise((resolve) => {
      this.#waiting.set(number, resolve);
      this.#child.stdin!.write(`${JSON.stringify({ number, ask, ...request })}\n`);
    });
  }

  async kill(): Promise<void> {
    if (!Agent.#alive.delete(this)) return;
    this.#child.kill('SIGKILL');
    await once(this.#child, 'exit');
  }
}

const kinds: OperationKind[] = [
  'pull',
  'pull',
  'pull',
  'pull',
  'check-disks',
  'merge-disks',
  'save-vm',
  'digest-disks',
];
/** A run starts its VM seldom, since little is allowed to it afterwards. */
const startChance = 0.04;
const runCount = 6;
const vmOfRun = (run: number): string => `6f9619ff-8b86-d011-b42d-${String(run).padStart(12, '0')}`;

/** What the app knows: what it asked for, what was acknowledged, and the first outcome that it was told of each operation. */
class App {
  readonly requests: Request[] = [];
  readonly acknowledged = new Set<string>();
  readonly outcomes = new Map<string, string>();
  readonly #epochs: number[] = new Array<number>(runCount).fill(1);
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  readonly #below = (limit: number): number => Math.floor(this.#random() * limit);

  newRequest(): Request {
    const run = this.#below(this.#epochs.length);
    const epoch = (this.#epochs[run] ?? 1) + (this.#random() < 0.15 ? 1 : 0);
    this.#epochs[run] = epoch;
    const kind = this.#random() < startChance ? 'start-vm' : (kinds[this.#below(kinds.length)] ?? 'pull');
    const request = { id: `op-${this.requests.length}`, kind, run: `run-${run}`, epoch, vm: vmOfRun(run) };
    this.requests.push(request);
    return request;
  }

  anyRequest(): Request | undefined {
    return this.requests[this.#below(this.requests.length)];
  }

  take(answer: Answer): void {
    if (!answer.ok) return;
    this.acknowledged.add(answer.value.operationId);
    if (answer.value.state === 'running') return;
    const outcome = outcomeText(answer.value);
    const first = this.outcomes.get(answer.value.operationId) ?? outcome;
    expect({ id: answer.value.operationId, outcome }).toEqual({ id: answer.value.operationId, outcome: first });
    this.outcomes.set(answer.value.operationId, first);
  }

  /** A few requests at moments of its own; over when so many were answered, and a moment later. */
  async work(agent: Agent): Promise<void> {
    let answered = 0;
    const answersWanted = 2 + this.#below(14);
    const take = (answer: Answer): void => {
      answered += 1;
      this.take(answer);
    };
    while (answered < answersWanted) {
      const chance = this.#random();
      const old = this.anyRequest();
      if (old === undefined || chance < 0.6) void agent.ask('start', this.newRequest()).then(take);
      else if (chance < 0.75) void agent.ask('start', old).then(take);
      else if (chance < 0.95) void agent.ask('look', old).then(take);
      else void agent.ask('cancel', old).then(take);
      await new Promise((resolve) => setTimeout(resolve, this.#random() * 12));
    }
    await new Promise((resolve) => setTimeout(resolve, this.#random() * 15));
  }
}

const outcomeText = ({ operationId, epoch, kind, movedAt, ...rest }: OperationView): string =>
  JSON.stringify({ operationId, epoch, kind, movedAt, rest });

// Real processes, on a machine that may be busy with others.
jest.setTimeout(90_000);

describe('store and runner in a process that is killed', () => {
  let folder: string;
  beforeEach(async () => (folder = await tempFolder('agent-kill')));
  afterEach(async () => {
    await Agent.killAll();
    await rm(folder, { recursive: true, force: true });
  });

  const effects = async (): Promise<Effect[]> =>
    (await readFile(join(folder, 'effects'), 'utf8'))
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => effectLine.parse(JSON.parse(line)));

  test(`after ${kills} kills (seed ${seed}) every accepted operation has one outcome, and a repeat answers it`, async () => {
    const random = seededRandom(seed);
    const app = new App(random);
    for (let kill = 0; kill < kills; kill += 1) {
      const agent = await Agent.start(folder);
      await app.work(agent);
      await agent.kill();
    }
    const agent = await Agent.start(folder);
    for (const request of app.requests) {
      if (!app.acknowledged.has(request.id)) continue;
      const repeated = await agent.ask('start', request);
      expect({ id: request.id, ok: repeated.ok }).toEqual({ id: request.id, ok: true });
      const ended = await agent.ask('look', request);
      expect(ended).toMatchObject({ ok: true, value: { state: expect.stringMatching(/succeeded|canceled|failed/) } });
      app.take(ended);
    }
    const seen = await effects();
    expectOutcomesToHaveEffects(app, seen);
    expectEpochsInOrder(seen);
    await expectStartsRemembered(agent, app, seen);
    await agent.kill();

    // What the claims above are worth: operations were interrupted and carried out again.
    const begun = seen.filter(({ what }) => what === 'begin');
    expect(app.acknowledged.size).toBeGreaterThan(kills);
    expect(begun.length).toBeGreaterThan(new Set(begun.map(({ id }) => id)).size);
  });

  /** What was said to have succeeded was done to its end, by the execution that is named. */
  function expectOutcomesToHaveEffects(app: App, seen: Effect[]): void {
    const ended = new Set(seen.filter(({ what }) => what === 'end').map(({ id, execution }) => `${id} ${execution}`));
    for (const [id, outcome] of app.outcomes) {
      const execution = /"output":\{"execution":"([^"]+)"/.exec(outcome)?.[1];
      if (execution !== undefined) expect(ended).toContain(`${id} ${execution}`);
      else expect(outcome).toMatch(/canceled|RefusedAfterStart/);
    }
  }

  /** Once a run began something of an epoch, nothing of an older one begins, or is still at work in the same process. */
  function expectEpochsInOrder(seen: Effect[]): void {
    const newest = new Map<string, number>();
    const atWork = new Map<string, Effect>();
    for (const effect of seen) {
      if (effect.what !== 'begin') {
        atWork.delete(effect.execution);
        continue;
      }
      expect(effect.epoch).toBeGreaterThanOrEqual(newest.get(effect.runId) ?? 0);
      newest.set(effect.runId, effect.epoch);
      const process = effect.execution.split('-')[0] ?? '';
      const older = [...atWork.values()].filter(
        (one) => one.runId === effect.runId && one.epoch < effect.epoch && one.execution.startsWith(`${process}-`),
      );
      expect(older).toEqual([]);
      atWork.set(effect.execution, effect);
    }
  }

  async function expectStartsRemembered(agent: Agent, app: App, seen: Effect[]): Promise<void> {
    const started = new Set(seen.filter(({ kind }) => kind === 'start-vm').map(({ runId }) => runId));
    expect(started.size).toBeGreaterThan(0);
    for (const run of started) {
      const { vm } = app.requests.find((request) => request.run === run)!;
      const undo = await agent.ask('start', { id: `undo-${run}`, kind: 'remove-placeholder', run, epoch: 1000, vm });
      expect(undo).toMatchObject({ ok: false, failure: { code: 'RefusedAfterStart' } });
    }
  }
});
