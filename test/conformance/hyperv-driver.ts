import { access } from 'node:fs/promises';
import type { VmFacts } from '../../contracts/facts';
import { runId } from '../../contracts/ids';
import { Move, moveSteps, stepsBeforePivot, valueOf, type HostsFor, type MoveStep, type Tracking } from './hyperv-move';
import { describeMoveRefusals, describeRefusals, describeRoom } from './hyperv-refusals';
import { describeRounds } from './hyperv-rounds';
import { describeSource } from './hyperv-source';

const run = runId.parse('conformance-r1');
/** On the same host the undos are the same code; these are the steps whose state the two sides share there. */
const undoneAfter = {
  'another-host': stepsBeforePivot,
  'same-host': ['place-vm', 'take-vm-checkpoint', 'save-vm', 'fence-vm', 'digest-disks'],
} as const;
const places = ['another-host', 'same-host'] as const;

const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

/** What of an answer must not change when the operation is repeated: paths and digests, not sizes that grow or free room. */
function lasting(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value ?? null, (key, inner: unknown) =>
      ['fileSizeBytes', 'allocatedBytes', 'freeBytes', 'seenAt'].includes(key) ? undefined : inner,
    ),
  );
}

const withoutSizes = (vm: VmFacts | undefined): unknown => lasting(vm);

async function expectHeartbeat(move: Move, where: 'onSource' | 'onDestination'): Promise<void> {
  valueOf(await move[where]('await-heartbeat', { ...move.ofVm, waitMsMax: 10_000 }));
}

/** What every implementation of `HyperVDriver` must do. Each test gets hosts with a VM that runs. */
export function describeHyperVDriver(
  name: string,
  hostsFor: HostsFor,
  trackings: readonly Tracking[] = ['change-tracking', 'differencing'],
): void {
  describe(name, () => {
    describeMoves(hostsFor);
    describeMoveRefusals(hostsFor);
    describeRounds(hostsFor, trackings);
    describeSource(hostsFor);
    describeRefusals(hostsFor);
    describeRoom(hostsFor);
  });
}

/** A whole move, and what its undo leaves. */
function describeMoves(hostsFor: HostsFor): void {
  describe.each(places)('a move to %s', (where) => {
    test('every operation, carried out twice, answers the same, and the VM runs at the destination alone', async () => {
      const hosts = await hostsFor(where);
      const move = new Move(hosts, run);
      for (const step of moveSteps) {
        const first = await move.take(step);
        expect(lasting(await move.take(step))).toEqual(lasting(first));
      }
      const arrived = await hosts.destination.vm(hosts.vmId);
      expect(arrived).toMatchObject({ state: 'running', heartbeat: 'ok', reservedBy: null, fencedBy: null });
      expect(arrived?.vmCheckpointCount).toBe(0);
      for (const disk of arrived?.disks ?? []) expect(disk.path.startsWith(hosts.folder)).toBe(true);
      const running = [...(await hosts.source.vms()), ...(where === 'same-host' ? [] : await hosts.destination.vms())];
      expect(running.filter((vm) => vm.vmId === hosts.vmId && vm.state === 'running')).toHaveLength(1);
      const left = [...(await hosts.source.leftovers(run)), ...(await hosts.destination.leftovers(run))];
      expect(new Set(left.map((leftover) => leftover.what))).toEqual(new Set(['retired-vm']));
    });

    test.each(['unregister', 'delete'] as const)('a source that is retired by %s leaves no mark', async (retire) => {
      const hosts = await hostsFor(where);
      const move = new Move(hosts, run, retire);
      await move.walk('save-vm');
      const paths = (await move.sourceDisks()).flatMap((disk) => disk.images.map((image) => image.path));
      await move.walk('await-heartbeat', 'fence-vm');
      const first = valueOf(await move.onSource('retire-vm', { ...move.ofVm, retire }));
      expect(await move.take('retire-vm')).toEqual(first);
      await move.take('release');
      for (const path of paths) expect(await isThere(path)).toBe(retire === 'unregister');
      expect(first.freedBytes > 0).toBe(retire === 'delete');
      expect(first.kept.length > 0).toBe(retire === 'unregister');
      expect([...(await hosts.source.leftovers()), ...(await hosts.destination.leftovers())]).toEqual([]);
      if (where === 'another-host') expect(await hosts.source.vm(hosts.vmId)).toBeUndefined();
      await expectHeartbeat(move, 'onDestination');
    });

    test.each<MoveStep>(undoneAfter[where])(
      'undone after %s, twice over, a run leaves the VM as it was and nothing else',
      async (last) => {
        const hosts = await hostsFor(where);
        const move = new Move(hosts, run);
        await expectHeartbeat(move, 'onSource');
        const before = withoutSizes(await hosts.source.vm(hosts.vmId));
        await move.walk(last);
        const outageMs = await move.undo();
        // A host may forget the outage of a run that was released.
        expect([outageMs, null]).toContain(await move.undo());
        expect(outageMs !== null).toBe(moveSteps.indexOf(last) >= moveSteps.indexOf('save-vm'));
        await expectHeartbeat(move, 'onSource');
        expect(withoutSizes(await hosts.source.vm(hosts.vmId))).toEqual(before);
        expect(await hosts.source.leftovers()).toEqual([]);
        expect(await hosts.destination.leftovers()).toEqual([]);
        expect(await isThere(hosts.folder)).toBe(false);
      },
    );
  });

  test('an undo of what was never done succeeds and changes nothing', async () => {
    const hosts = await hostsFor('another-host');
    const move = new Move(hosts, run);
    const before = withoutSizes(await hosts.source.vm(hosts.vmId));
    await move.undo();
    expect(withoutSizes(await hosts.source.vm(hosts.vmId))).toEqual(before);
  });

  test('a VM that was moved away and kept can be moved back to another folder', async () => {
    const there = await hostsFor('another-host');
    await new Move(there, run).walk('release');
    const back = { ...there, source: there.destination, destination: there.source };
    const home = (await there.source.host()).volumes[0]?.root ?? '';
    const second = runId.parse('conformance-back-r1');
    const move = new Move({ ...back, folder: `${home}/back` }, second, 'delete');
    await move.walk('release');
    expect(await there.source.vm(there.vmId)).toMatchObject({ state: 'running', heartbeat: 'ok' });
    expect(await there.destination.vm(there.vmId)).toBeUndefined();
    expect((await there.source.leftovers()).map((left) => [left.what, left.runId])).toEqual([['retired-vm', run]]);
  });

  test('a run that started the VM never deletes its disks', async () => {
    const hosts = await hostsFor('another-host');
    const move = new Move(hosts, run);
    await move.walk('start-vm');
    const removed = await move.onDestination('remove-placeholder', move.inPlace);
    expect(removed).toMatchObject({ ok: false, failure: { code: 'RefusedAfterStart', effect: 'none' } });
    await expectHeartbeat(move, 'onDestination');
  });
}
