import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { diskId, runId, vmId as vmIdOf } from '../../contracts/ids';
import { codeOf, Move, perform, roomBytes, valueOf, type HostsFor } from './hyperv-move';

const run = runId.parse('conformance-r1');
const other = runId.parse('conformance-other-r1');
const nobody = { vmId: vmIdOf.parse('00000000-0000-4000-8000-00000000dead') };
const image = (index: number) => ({ type: 'image', diskId: diskId.parse('scsi-0-0'), index }) as const;
const memoryBytes = 1024 ** 2;

/** Refusals of the source: each names its code and leaves no effect. */
export function describeRefusals(hostsFor: HostsFor): void {
  test('a VM that is not registered is VmNotFound to everything that needs one', async () => {
    const { source } = await hostsFor('another-host');
    const kinds = [
      'reserve-vm',
      'check-disks',
      'take-vm-checkpoint',
      'save-vm',
      'fence-vm',
      'export-configuration',
    ] as const;
    for (const kind of kinds)
      expect(await perform(source, run, kind, nobody)).toMatchObject({
        failure: { code: 'VmNotFound', effect: 'none', subject: nobody },
      });
    expect(codeOf(await perform(source, run, 'await-heartbeat', { ...nobody, waitMsMax: 1 }))).toBe('VmNotFound');
    expect(codeOf(await perform(source, run, 'retire-vm', { ...nobody, retire: 'keep' }))).toBe('VmNotFound');
    expect(codeOf(await source.locateForReading(run, nobody.vmId, image(0)))).toBe('VmNotFound');
    expect(await source.vm(nobody.vmId)).toBeUndefined();
  });

  test('a VM that one run reserved is VmBusy to another, and free again after release', async () => {
    const { source, vmId } = await hostsFor('another-host');
    valueOf(await perform(source, run, 'reserve-vm', { vmId }));
    for (const kind of ['reserve-vm', 'take-vm-checkpoint', 'save-vm', 'fence-vm'] as const)
      expect(await perform(source, other, kind, { vmId })).toMatchObject({
        failure: { code: 'VmBusy', effect: 'none' },
      });
    valueOf(await perform(source, other, 'release', { vmId }));
    expect(codeOf(await perform(source, other, 'reserve-vm', { vmId }))).toBe('VmBusy');
    valueOf(await perform(source, run, 'release', { vmId }));
    expect(codeOf(await perform(source, other, 'reserve-vm', { vmId }))).toBe('succeeded');
  });

  test('an operation that was canceled before it began has no effect', async () => {
    const { source, vmId } = await hostsFor('another-host');
    const context = { runId: run, signal: AbortSignal.abort(), report: () => undefined };
    const outcome = await source.perform('reserve-vm', context, { vmId });
    expect(outcome).toMatchObject({ failure: { code: 'CanceledByOperator', effect: 'none' } });
    expect(await source.leftovers()).toEqual([]);
  });
}

/** What a destination promises, and what it refuses to. */
export function describeRoom(hostsFor: HostsFor): void {
  test('a folder outside of the roots is refused before anything is made', async () => {
    const { destination, vmId } = await hostsFor('another-host');
    const root = (await destination.host()).volumes[0]?.root ?? '';
    for (const folder of ['/', `${root}/../outside`, `${root}\u0000x`, '', '..']) {
      const place = { vmId, folder };
      expect(codeOf(await perform(destination, run, 'reserve-room', { ...place, roomBytes, memoryBytes }))).toBe(
        'PathOutsideRoots',
      );
      expect(codeOf(await perform(destination, run, 'place-vm', { ...place, vmName: 'x' }))).toBe('PathOutsideRoots');
    }
    expect(await destination.leftovers()).toEqual([]);
  });

  test('a seed outside of the roots is refused, and one inside is told with the roots', async () => {
    const { destination } = await hostsFor('another-host');
    const root = (await destination.host()).volumes[0]?.root ?? '';
    for (const path of ['/etc/passwd', `${root}/../outside.vhdx`, `${root}\u0000x`, '', '..'])
      expect(codeOf(await destination.locateSeed(path))).toBe('PathOutsideRoots');
    const place = valueOf(await destination.locateSeed(`${root}/not-there.vhdx`));
    expect(place.path.endsWith('not-there.vhdx')).toBe(true);
    expect(place.roots.length).toBeGreaterThan(0);
  });

  test('a destination that is the source itself is refused', async () => {
    const { source, vmId } = await hostsFor('same-host');
    valueOf(await perform(source, run, 'reserve-vm', { vmId }));
    const disk = (await source.vm(vmId))?.disks[0]?.path ?? '';
    // A simulated host keeps a VM in a folder that its id names; a real one where it was made.
    const homes = disk.includes(vmId) ? [disk.slice(0, disk.indexOf(vmId))] : [];
    for (const folder of [...homes, dirname(disk)]) {
      const outcome = await perform(source, run, 'reserve-room', { vmId, folder, roomBytes, memoryBytes });
      expect(outcome).toMatchObject({ failure: { code: 'DestinationSameAsSource', effect: 'none' } });
    }
  });

  test('room and memory that are not there are not promised, nor twice', async () => {
    const { destination, vmId, folder } = await hostsFor('another-host');
    const facts = await destination.host();
    const free = facts.volumes[0]?.freeBytes ?? 0;
    const ask = (roomWanted: number, memoryWanted: number, by = run, of = vmId) =>
      perform(destination, by, 'reserve-room', { vmId: of, folder, roomBytes: roomWanted, memoryBytes: memoryWanted });
    expect(codeOf(await ask(free + 1, 0))).toBe('NotEnoughRoom');
    expect(codeOf(await ask(0, facts.memoryFreeBytes + 1))).toBe('NotEnoughMemory');
    valueOf(await ask(Math.floor(free * 0.6), facts.memoryFreeBytes));
    valueOf(await ask(Math.floor(free * 0.6), facts.memoryFreeBytes));
    expect(codeOf(await ask(Math.floor(free * 0.6), 0, other, nobody.vmId))).toBe('NotEnoughRoom');
    expect(codeOf(await ask(0, 1, other, nobody.vmId))).toBe('NotEnoughMemory');
    expect(codeOf(await ask(0, 0, other))).toBe('VmBusy');
    const promised = (await destination.host()).volumes[0];
    expect(promised?.reservedBytes).toBe(Math.floor(free * 0.6));
    valueOf(await perform(destination, run, 'release', { vmId }));
    expect(codeOf(await ask(Math.floor(free * 0.6), 1, other, nobody.vmId))).toBe('succeeded');
  });

  test('a destination where such a VM is registered, or where something stands, is refused', async () => {
    const { source, destination, vmId, folder } = await hostsFor('another-host');
    const room = { vmId, roomBytes, memoryBytes };
    const elsewhere = join((await source.host()).volumes[0]?.root ?? '', 'elsewhere');
    const onSource = await perform(source, run, 'reserve-room', { ...room, folder: elsewhere });
    expect(onSource).toMatchObject({ failure: { code: 'DestinationOccupied', effect: 'none' } });
    await mkdir(join(folder, vmId), { recursive: true });
    const taken = await perform(destination, run, 'reserve-room', { ...room, folder });
    expect(taken).toMatchObject({ failure: { code: 'DestinationOccupied', effect: 'none' } });
    expect([...(await source.leftovers()), ...(await destination.leftovers())]).toEqual([]);
  });
}

/** Refusals of what fences a source or builds a destination. */
export function describeMoveRefusals(hostsFor: HostsFor): void {
  test('a fenced VM is VmFenced to every other run and cannot be started by its own before the fence goes', async () => {
    const hosts = await hostsFor('another-host');
    const { source, vmId } = hosts;
    const move = new Move(hosts, run);
    await move.walk('fence-vm');
    for (const kind of ['reserve-vm', 'take-vm-checkpoint', 'save-vm', 'fence-vm', 'export-configuration'] as const)
      expect(codeOf(await perform(source, other, kind, { vmId }))).toBe('VmFenced');
    expect(codeOf(await perform(source, run, 'resume-vm', { vmId }))).toBe('VmFenced');
    expect(codeOf(await perform(source, run, 'remove-vm-checkpoint', { vmId }))).toBe('VmFenced');
    valueOf(await perform(source, other, 'unfence-vm', { vmId }));
    expect(await source.vm(vmId)).toMatchObject({ state: 'saved', fencedBy: run });
  });

  test('what needs a reservation, another state or an earlier step is VmStateWrong without it', async () => {
    const hosts = await hostsFor('another-host');
    const { source, destination, vmId } = hosts;
    expect(codeOf(await perform(source, run, 'take-vm-checkpoint', { vmId }))).toBe('VmStateWrong');
    const move = new Move(hosts, run);
    await move.walk('take-vm-checkpoint');
    const wrong = [
      await perform(source, run, 'fence-vm', { vmId }),
      await perform(source, run, 'export-configuration', { vmId }),
      await perform(source, run, 'digest-disks', { vmId, scope: 'all', side: 'source' }),
      await perform(source, run, 'retire-vm', { vmId, retire: 'delete' }),
      await perform(destination, run, 'import-configuration', { ...move.inPlace, switchName: null }),
      await perform(destination, run, 'merge-disks', move.inPlace),
      await perform(destination, run, 'start-vm', move.inPlace),
    ];
    for (const outcome of wrong) expect(outcome).toMatchObject({ failure: { code: 'VmStateWrong', effect: 'none' } });
  });

  test('a destination that holds what is not of this run is refused', async () => {
    const { source, destination, vmId, folder } = await hostsFor('another-host');
    const place = { vmId, folder };
    valueOf(await perform(destination, other, 'place-vm', { ...place, vmName: 'theirs' }));
    const room = { ...place, roomBytes, memoryBytes };
    expect(codeOf(await perform(destination, run, 'reserve-room', room))).toBe('DestinationOccupied');
    expect(codeOf(await perform(destination, run, 'place-vm', { ...place, vmName: 'x' }))).toBe('DestinationOccupied');
    valueOf(await perform(destination, run, 'remove-placeholder', place));
    expect((await destination.leftovers(other)).map((left) => left.what)).toContain('planned-vm');
    const elsewhere = join((await source.host()).volumes[0]?.root ?? '', 'elsewhere');
    const onSource = await perform(source, run, 'reserve-room', { ...room, folder: elsewhere });
    expect(codeOf(onSource)).toBe('DestinationOccupied');
  });

  test('a switch that the destination lacks is refused before the import changes anything', async () => {
    const hosts = await hostsFor('another-host');
    const move = new Move(hosts, run);
    await move.walk('copy-rest');
    const missing = { ...move.inPlace, switchName: 'no such switch' };
    expect(await move.onDestination('import-configuration', missing)).toMatchObject({
      failure: { code: 'SwitchMissing', effect: 'none' },
    });
    await move.walk('await-heartbeat', 'import-configuration');
  });

  test('the byte route writes for the placeholder of its run alone, inside of its folder', async () => {
    const hosts = await hostsFor('another-host');
    const { destination, vmId, folder } = hosts;
    const move = new Move(hosts, run);
    expect(codeOf(await destination.locateForWriting(run, vmId, folder, image(0)))).toBe('VmNotFound');
    await move.take('place-vm');
    expect(codeOf(await destination.locateForWriting(other, vmId, folder, image(0)))).toBe('VmNotFound');
    const elsewhere = await destination.locateForWriting(run, vmId, `${folder}/elsewhere`, image(0));
    expect(codeOf(elsewhere)).toBe('VmStateWrong');
    const place = valueOf(await destination.locateForWriting(run, vmId, folder, image(0)));
    expect(place.path.startsWith(folder) && place.journalPath.startsWith(folder)).toBe(true);
  });
}
