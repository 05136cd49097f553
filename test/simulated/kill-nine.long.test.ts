import { setTimeout as delay } from 'node:timers/promises';
import { createRandom, seedOf } from '../../agent/hyperv/simulated/seeded';
import { runId } from '../../contracts/ids';
import type { OperationKind } from '../../contracts/operations';
import { Move, valueOf, type ConformanceHosts } from '../conformance/hyperv-move';
import { startChild } from './crash';
import type { CrashPlan } from './crash-child';
import { TestHosts } from './test-hosts';

/** `HYPERFERRY_KILLS=50 HYPERFERRY_SEED=3 npx jest dist/test/simulated/kill-nine` for a longer go at it. */
const kills = Number(process.env['HYPERFERRY_KILLS'] ?? 5);
const seed = Number(process.env['HYPERFERRY_SEED'] ?? 1);

const hosts = new TestHosts();
const run = runId.parse('killed-r1');
beforeAll(() => hosts.make());
afterEach(() => hosts.close());
afterAll(() => hosts.remove());

async function openHosts(): Promise<ConformanceHosts> {
  const [source, destination] = [await hosts.open('source'), await hosts.open('destination')];
  return { source, destination, vmId: hosts.vmId, folder: hosts.pathOn('destination', 'elsewhere') };
}

/** Lets a host run and kills it `afterMs` after it came up, if it did not end by itself before. Answers what it said. */
async function runAndKill(plan: CrashPlan, afterMs: number): Promise<string> {
  const { child, said, ended } = startChild(plan);
  const isOver = ended.then(() => true);
  while (!said().includes('open') && !(await Promise.race([isOver, delay(5, false)])));
  await Promise.race([isOver, delay(afterMs)]);
  child.kill('SIGKILL');
  if ((await ended) !== 'SIGKILL') throw new Error(`the host did not live to be killed: ${said()}`);
  return said();
}

test(
  `a source that is killed ${kills} times while VM checkpoints are taken, removed and the VM is saved, ends as it was`,
  async () => {
    const random = createRandom(seedOf('source', seed));
    const ofVm = { vmId: hosts.vmId };
    const folder = await hosts.hostFolder('source');
    const order: OperationKind[] = ['reserve-vm', 'take-vm-checkpoint', 'save-vm', 'resume-vm', 'remove-vm-checkpoint'];
    // The host before may have died with the VM saved, or while its VM checkpoint was merged.
    const steps = [
      { kind: 'resume-vm', input: ofVm },
      { kind: 'await-heartbeat', input: { ...ofVm, waitMsMax: 10_000 } },
      { kind: 'remove-vm-checkpoint', input: ofVm },
      ...order.map((kind) => ({ kind, input: ofVm })),
    ] satisfies CrashPlan['steps'];
    let carriedOut = 0;
    for (let kill = 0; kill < kills; kill++) {
      const said = await runAndKill({ folder, run, steps, rounds: 1000 }, 20 + random.below(300));
      carriedOut += said.split('done').length - 1;
    }
    expect(carriedOut).toBeGreaterThan(kills);
    const move = new Move(await openHosts(), run);
    await move.undo();
    valueOf(await move.onSource('await-heartbeat', { ...ofVm, waitMsMax: 10_000 }));
    expect(await move.hosts.source.leftovers()).toEqual([]);
    expect((await hosts.diskFiles('source')).map((path) => path.split('/').at(-1))).toEqual(['web01.vhdx']);
  },
  20_000 + kills * 3000,
);

test(
  `hosts that are killed while the VM starts and its source is deleted end with one VM that runs`,
  async () => {
    const random = createRandom(seedOf('destination', seed));
    const before = await openHosts();
    await new Move(before, run).walk('digest-disks');
    for (const name of ['source', 'destination'] as const) await hosts.shut(name);
    const inPlace = { vmId: hosts.vmId, folder: before.folder };
    const killUntilDone = async (plan: CrashPlan, last: OperationKind): Promise<void> => {
      for (let kill = 0; kill < kills; kill++)
        if ((await runAndKill(plan, random.below(40))).includes(`done ${last}`)) return;
    };
    const rounds = 1;
    const ofDestination = await hosts.hostFolder('destination');
    await killUntilDone(
      { folder: ofDestination, run, rounds, steps: [{ kind: 'start-vm', input: inPlace }] },
      'start-vm',
    );
    const retire = { vmId: hosts.vmId, retire: 'delete' };
    const ofSource = await hosts.hostFolder('source');
    await killUntilDone({ folder: ofSource, run, rounds, steps: [{ kind: 'retire-vm', input: retire }] }, 'retire-vm');
    const move = new Move(await openHosts(), run, 'delete');
    await move.walk('release', 'start-vm');
    const { source, destination } = move.hosts;
    expect(await source.vm(hosts.vmId)).toBeUndefined();
    expect(await destination.vm(hosts.vmId)).toMatchObject({ state: 'running', heartbeat: 'ok', vmCheckpointCount: 0 });
    expect([...(await source.leftovers()), ...(await destination.leftovers())]).toEqual([]);
    expect(await hosts.diskFiles('source')).toEqual([]);
  },
  20_000 + kills * 3000,
);
