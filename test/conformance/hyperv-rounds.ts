import { runId } from '../../contracts/ids';
import { codeOf, valueOf, type HostsFor, type Tracking } from './hyperv-move';
import { WarmMove } from './hyperv-warm';

const run = runId.parse('conformance-warm-r1');

/** Pre-copy in rounds, as every driver must offer it, in each of the ways in which what changed can be told. */
export function describeRounds(hostsFor: HostsFor, trackings: readonly Tracking[]): void {
  const places = ['another-host', 'same-host'] as const;
  const ways = trackings.flatMap((tracking) => places.map((where) => [where, tracking] as const));
  describe.each(ways)('a warm move to %s by %s', (where, tracking: Tracking) => {
    test('every operation of a round, carried out twice, answers the same, and the copy reads as the source', async () => {
      const move = new WarmMove(await hostsFor(where, tracking), run);
      await move.prepare();
      await move.first();
      const begun = valueOf(await move.begin());
      expect(begun.tracking).toBe(tracking);
      expect(begun.changed.every(({ whole }) => whole)).toBe(false);
      expect(valueOf(await move.begin()).changed).toEqual(begun.changed);
      expect(begun.changed.length).toBe(begun.disks.length);
      await move.carryRound(begun);
      const ofRound = { ...move.ofVm, round: 1 };
      await move.end();
      expect(codeOf(await move.onSource('end-round', ofRound))).toBe('succeeded');
      valueOf(await move.onSource('look-at-changes', move.ofVm));
      await move.cutover('save-vm');
      for (const scope of ['changed', 'all'] as const)
        expect(await move.digests('destination', scope)).toEqual(await move.digests('source', scope));
      await move.start();
      const there = await move.hosts.destination.vm(move.hosts.vmId);
      expect(there).toMatchObject({ state: 'running', heartbeat: 'ok', vmCheckpointCount: 0 });
    });

    test('a round that began while the VM ran is not its last: after the fence it is refused', async () => {
      const move = new WarmMove(await hostsFor(where, tracking), run);
      await move.prepare();
      await move.first();
      valueOf(await move.begin());
      valueOf(await move.onSource('save-vm', move.ofVm));
      valueOf(await move.onSource('fence-vm', move.ofVm));
      expect(codeOf(await move.begin())).toBe('VmStateWrong');
      await move.undo();
      expect([...(await move.hosts.source.leftovers()), ...(await move.hosts.destination.leftovers())]).toEqual([]);
    });

    test('a VM that a run shut down is started again by its undo, and no point of the run is left', async () => {
      const move = new WarmMove(await hostsFor(where, tracking), run);
      await move.prepare();
      await move.first();
      await move.next();
      const first = valueOf(await move.onSource('shut-down-vm', move.ofVm));
      expect(valueOf(await move.onSource('shut-down-vm', move.ofVm)).shutDownAt).toBe(first.shutDownAt);
      await move.undo();
      await move.undo();
      valueOf(await move.onSource('await-heartbeat', { ...move.ofVm, waitMsMax: 10_000 }));
      expect(codeOf(await move.onSource('look-at-changes', move.ofVm))).toBe('VmStateWrong');
      expect([...(await move.hosts.source.leftovers()), ...(await move.hosts.destination.leftovers())]).toEqual([]);
    });
  });

  test('rounds need the reservation of their run', async () => {
    const move = new WarmMove(await hostsFor('another-host'), run);
    for (const kind of ['begin-round', 'end-round'] as const)
      expect(codeOf(await move.onSource(kind, { ...move.ofVm, round: 0 }))).toBe('VmStateWrong');
    expect(codeOf(await move.onSource('look-at-changes', move.ofVm))).toBe('VmStateWrong');
    expect(codeOf(await move.onSource('shut-down-vm', move.ofVm))).toBe('VmStateWrong');
  });
}
