import { runId } from '../../contracts/ids';
import type { CrashPoint } from '../../agent/hyperv/simulated';
import type { OperationKind } from '../../contracts/operations';
import { exportedVm, exportHosts } from '../conformance/export-hosts';
import { asked, carried, exported } from '../conformance/hyperv-exports';
import { perform, valueOf } from '../conformance/hyperv-move';
import { placed } from '../conformance/hyperv-switches';
import { crash } from './crash';
import { TestHosts } from './test-hosts';

const hosts = new TestHosts();
const run = runId.parse('crash-r1');
beforeAll(() => hosts.make(exportedVm));
afterEach(() => hosts.close());
afterAll(() => hosts.remove());

const lab = { name: 'lab', type: 'private' } as const;

/** A process of its own carries the operations out and crashes at the point. */
async function crashAt(point: CrashPoint, kinds: readonly OperationKind[]): Promise<void> {
  const steps = kinds.map((kind) => ({ kind, input: { vmId: hosts.vmId, ...lab } }));
  const folder = await hosts.hostFolder('destination');
  await crash({ folder, run, rounds: 1, steps, crashAt: { point, nth: 1 } });
}

test.each(['switch-noted', 'switch-made'] as const)(
  'a crash at %s is made good by a repeat, which makes one switch, and by the undo without one',
  async (point) => {
    await crashAt(point, ['make-switch']);
    const host = await hosts.open('destination');
    const of = { vmId: hosts.vmId };
    expect(valueOf(await perform(host, run, 'make-switch', { ...of, ...lab }))).toEqual({ made: true });
    expect((await host.host()).switches).toEqual(['LAN', 'lab']);
    await hosts.close();

    await crashAt(point, ['make-switch']);
    const again = await hosts.open('destination');
    expect(valueOf(await perform(again, run, 'remove-switch', of))).toEqual({ usedBy: null });
    valueOf(await perform(again, run, 'release', of));
    expect((await again.host()).switches).toEqual(['LAN']);
    expect(await again.leftovers()).toEqual([]);
  },
);

test('a crash of the removal is made good by a repeat', async () => {
  await crashAt('switch-removed', ['make-switch', 'remove-switch']);
  const host = await hosts.open('destination');
  const of = { vmId: hosts.vmId };
  expect(valueOf(await perform(host, run, 'remove-switch', of))).toEqual({ usedBy: null });
  valueOf(await perform(host, run, 'release', of));
  expect((await host.host()).switches).toEqual(['LAN']);
  expect(await host.leftovers()).toEqual([]);
});

test('a crash of the release once the mark is off is made good by a repeat: switch and VM stay', async () => {
  const both = await exportHosts(hosts, (name) => hosts.open(name));
  const { vmId } = both;
  const there = await carried(both, await exported(both, 'whole'));
  const input = asked(both.otherRoot, there, { vmId, switchName: 'lab', makesSwitch: 'private' });
  await placed(both.other, run, input);
  valueOf(await perform(both.other, run, 'start-vm', { vmId, folder: input.folder, power: 'leave' }));
  for (const name of ['source', 'destination'] as const) await hosts.shut(name);
  await crashAt('switch-kept', ['release']);
  const host = await hosts.open('destination');
  valueOf(await perform(host, run, 'release', { vmId }));
  expect((await host.host()).switches).toEqual(['WAN', 'lab']);
  expect(await host.vm(vmId)).toMatchObject({ switchName: 'lab', state: 'off', reservedBy: null });
  expect(await host.leftovers()).toEqual([]);
});
