import { runId } from '../../contracts/ids';
import { codeOf, Move, moveSteps, perform, valueOf, type MoveStep } from '../conformance/hyperv-move';
import { describeWithEngine } from './engine';
import type { StandInCommand } from './stand-in/service';
import { StandInHosts } from './stand-in/two-hosts';

const run = runId.parse('killed-r1');
// Every kill is the start of a PowerShell, on a machine that may be busy with others.
jest.setTimeout(600_000);

type Kill = readonly [side: 'source' | 'destination', command: StandInCommand, when: 'before' | 'after'];

/** Where the worker is killed while a step is carried out, one attempt after another. */
const kills: Partial<Record<MoveStep, readonly Kill[]>> = {
  'export-configuration': [
    ['source', 'export', 'before'],
    ['source', 'export', 'after'],
  ],
  'import-configuration': [
    ['destination', 'plan', 'after'],
    ['destination', 'set-planned-disk', 'after'],
    ['destination', 'destroy', 'after'],
  ],
  'start-vm': [
    ['destination', 'plan', 'after'],
    ['destination', 'realize', 'before'],
    ['destination', 'realize', 'after'],
    ['destination', 'start', 'before'],
    ['destination', 'start', 'after'],
  ],
  'retire-vm': [
    ['source', 'remove', 'before'],
    ['source', 'remove', 'after'],
  ],
};

describeWithEngine('a move whose workers are killed', () => {
  const standIns = new StandInHosts();
  const { hosts } = standIns;

  test('in the middle of every step that changes Hyper-V goes on where it was, and leaves nothing', async () => {
    const { sides, drivers, folder } = await standIns.two();
    const move = new Move({ ...drivers, vmId: hosts.vmId, folder }, run, 'unregister');
    for (const step of moveSteps) {
      for (const [side, command, when] of kills[step] ?? []) {
        sides[side].service.killWorkerAt(command, when);
        await expect(move.take(step)).rejects.toThrow('HyperVSilent');
        expect(sides[side].service.faultCount).toBe(0);
      }
      await move.take(step);
    }
    expect(await drivers.source.vm(hosts.vmId)).toBeUndefined();
    expect(await drivers.destination.vm(hosts.vmId)).toMatchObject({ state: 'running', heartbeat: 'ok' });
    expect(sides.destination.service.changes.filter((change) => change === 'realize')).toHaveLength(1);
    expect(sides.destination.hyperV.registrations.plannedVms()).toEqual([]);
    for (const driver of Object.values(drivers)) expect(await driver.leftovers()).toEqual([]);
  });

  test('after the import and before the start is undone: the VM is taken off, and the source goes on', async () => {
    const { sides, drivers, folder } = await standIns.two();
    const move = new Move({ ...drivers, vmId: hosts.vmId, folder }, run);
    await move.walk('digest-disks');
    sides.destination.service.killWorkerAt('realize', 'after');
    await expect(move.take('start-vm')).rejects.toThrow('HyperVSilent');
    expect(await drivers.destination.vm(hosts.vmId)).toMatchObject({ state: 'saved' });
    await move.undo();
    expect(await drivers.destination.vm(hosts.vmId)).toBeUndefined();
    expect(codeOf(await perform(drivers.source, run, 'await-heartbeat', { vmId: hosts.vmId, waitMsMax: 60_000 }))).toBe(
      'succeeded',
    );
    valueOf(await perform(drivers.source, run, 'release', { vmId: hosts.vmId }));
    for (const driver of Object.values(drivers)) expect(await driver.leftovers()).toEqual([]);
  });
});
