import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../agent/clock';
import { launch } from './child';
import { portIsFree } from './ports';
import { processExists } from './running';
import type { Service, ServiceEvent } from './service';
import { Supervisor } from './supervisor';

// Real processes: dummy services that die, hang and disobey.

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'hyperferry-supervisor-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const script = join(__dirname, '..', 'testing', 'dummy-service.js');

function dummy(name: string, args: readonly string[] = [], more: Partial<Service> = {}): Service {
  return {
    name,
    logPath: join(folder, `${name}.log`),
    command: { script, args: [`journal=${join(folder, name)}`, ...args], env: {} },
    saysReady: (line) => line.includes('"ready":true'),
    readyMsMax: 10_000,
    stopMsMax: 5000,
    ...more,
  };
}

const journalOf = (name: string): string[] => {
  try {
    return readFileSync(join(folder, name), 'utf8').trimEnd().split('\n');
  } catch {
    return [];
  }
};
const pidsOf = (name: string): number[] =>
  journalOf(name).flatMap((line) => (line.startsWith('started ') ? [Number(line.slice(8))] : []));

async function until(what: () => boolean, msMax = 10_000): Promise<void> {
  const deadline = Date.now() + msMax;
  while (!what()) {
    if (Date.now() > deadline) throw new Error(`not within ${msMax} ms: ${what.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

type Watched = { supervisor: Supervisor; said: string[]; events: ServiceEvent[]; pids: () => Record<string, number> };
function watched(): Watched {
  const said: string[] = [];
  const events: ServiceEvent[] = [];
  let pids: Record<string, number> = {};
  const supervisor = new Supervisor({
    clock: systemClock,
    say: (line) => void said.push(line),
    onEvent: (event) => void events.push(event),
    onProcesses: (living) => (pids = { ...living }),
  });
  return { supervisor, said, events, pids: () => pids };
}

describe('a supervisor', () => {
  test('starts a service that was killed again, and says both', async () => {
    const { supervisor, said, events, pids } = watched();
    expect(await supervisor.start(dummy('one'))).toBeUndefined();
    expect(supervisor.state('one')).toBe('ready');
    const first = supervisor.signal('one', 'SIGKILL');
    await until(() => said.length >= 2);
    expect(said[0]).toBe('one was ended by SIGKILL; starting it again in 200 ms');
    expect(said[1]).toMatch(/^one is back after /);
    expect(supervisor.state('one')).toBe('ready');
    const [before, after] = pidsOf('one');
    expect(before).toBe(first);
    expect(pids()).toEqual({ one: after });
    expect(events.map(({ what }) => what)).toEqual(['started', 'ready', 'ended', 'started', 'ready']);
    await supervisor.stop();
    expect(processExists(after!)).toBe(false);
  });

  test('waits longer from restart to restart while a service keeps dying', async () => {
    const { supervisor, said } = watched();
    await supervisor.start(dummy('weak', ['dies=50']));
    await until(() => said.filter((line) => line.includes('starting it again')).length >= 3);
    await supervisor.stop();
    const waits = said.flatMap((line) => /again in (.+)$/.exec(line)?.[1] ?? []);
    expect(waits.slice(0, 3)).toEqual(['200 ms', '400 ms', '800 ms']);
  });

  test('stops in reverse order, and ends what does not stop', async () => {
    const { supervisor, said, events } = watched();
    await supervisor.start(dummy('deaf', ['deaf'], { stopMsMax: 200 }));
    await supervisor.start(dummy('good'));
    await supervisor.stop();
    const ended = events.filter(({ what }) => what === 'ended').map(({ service }) => service);
    expect(ended).toEqual(['good', 'deaf']);
    expect(said).toEqual(['deaf did not stop within 200 ms; ending it']);
    expect(journalOf('deaf')).toHaveLength(2);
    for (const pid of [...pidsOf('deaf'), ...pidsOf('good')]) expect(processExists(pid)).toBe(false);
  });

  test('a service that is stopped by name stays stopped', async () => {
    const { supervisor, said } = watched();
    await supervisor.start(dummy('one'));
    await supervisor.stopOne('one');
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(supervisor.state('one')).toBe('stopped');
    expect(pidsOf('one')).toHaveLength(1);
    expect(said).toEqual([]);
    await supervisor.stop();
  });

  test('a service is asked what to run before each restart, such as with another port when its own was taken', async () => {
    const { supervisor, said } = watched();
    const port = async (server: Server): Promise<number> => {
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const address = server.address();
      return typeof address === 'object' && address !== null ? address.port : 0;
    };
    const foreign = createServer();
    const first = createServer();
    const [taken, own] = [await port(foreign), await port(first)];
    await new Promise((resolve) => first.close(resolve));
    const argsFor = (used: number): string[] => [`journal=${join(folder, 'one')}`, `port=${used}`];
    const renewed = async (): Promise<Service['command']> => ({ script, args: argsFor(own), env: {} });
    const lost = await supervisor.start(dummy('lost', [`port=${taken}`]));
    expect(lost).toMatchObject({ why: 'ended with code 4' });
    await supervisor.start({ ...dummy('one'), renewed });
    supervisor.signal('one', 'SIGKILL');
    await until(() => said.some((line) => line.startsWith('one is back')));
    await expect(portIsFree(own)).resolves.toBe(false);
    await supervisor.stop();
    foreign.close();
  });

  test('a stop while a service is being restarted leaves no process', async () => {
    const { supervisor } = watched();
    await supervisor.start(dummy('one'));
    for (const waitMs of [0, 190, 230, 260]) {
      supervisor.signal('one', 'SIGKILL');
      await new Promise((resolve) => setTimeout(resolve, waitMs));
      await supervisor.stopOne('one');
      for (const pid of pidsOf('one')) expect(processExists(pid)).toBe(false);
      await supervisor.start(dummy('one'));
    }
    await supervisor.stop();
  });

  test('a service that never comes up is a failure with its last words, and no process is left', async () => {
    const { supervisor } = watched();
    const silent = await supervisor.start(dummy('silent', ['silent'], { readyMsMax: 4000 }));
    expect(silent).toMatchObject({ service: 'silent', why: 'did not say that it is ready within 4.0 s' });
    expect(silent?.logTail[0]).toMatch(/^dummy \d+ speaks$/);
    const dead = await supervisor.start(dummy('dead', ['silent', 'dies=10']));
    expect(dead).toMatchObject({ service: 'dead', why: 'ended with code 3' });
    for (const pid of [...pidsOf('silent'), ...pidsOf('dead')]) expect(processExists(pid)).toBe(false);
  });
});

describe('orphans', () => {
  test('when the supervisor is killed with kill -9, every service ends, deaf ones too', async () => {
    const supervisorScript = join(__dirname, '..', 'testing', 'dummy-supervisor.js');
    const supervisor = spawn(process.execPath, [supervisorScript, folder, 'one', 'two', 'deaf'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let said = '';
    supervisor.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
    await until(() => said.includes('all up'));
    const pids = ['one', 'two', 'deaf'].flatMap(pidsOf);
    expect(pids.filter(processExists)).toHaveLength(3);
    supervisor.kill('SIGKILL');
    await until(() => pids.slice(0, 2).every((pid) => !processExists(pid)), 3000);
    expect(journalOf('one')[1]).toMatch(/^asked-to-stop/);
    await until(() => pids.every((pid) => !processExists(pid)), 8000);
  });

  test('a process that only inherits the environment of a guarded one is not guarded', async () => {
    const inner = `require('node:child_process').spawn(process.execPath, ['-r', ${JSON.stringify(join(__dirname, 'guard.js'))},
      '-e', 'setTimeout(() => console.log("still here"), 300)'], { stdio: ['ignore', 'inherit', 'inherit'] })`;
    const child = launch({ script: '-e', args: [inner], env: {} }, join(folder, 'outer.log'));
    const lines: string[] = [];
    child.onLine((line) => void lines.push(line));
    await until(() => lines.includes('still here'));
    await child.ended;
  });
});
