import { hostBehind } from '../../agent/hyperv/simulated/driver';
import type { Outcome } from '../../contracts/failure';
import { runId } from '../../contracts/ids';
import { codeOf, perform, valueOf } from '../conformance/hyperv-move';
import { WarmMove } from '../conformance/hyperv-warm';
import { describeWithEngine } from './engine';
import type { StandInHost } from './stand-in/host';
import { HyperVRefusal } from './stand-in/refusal';
import type { StandInCommand } from './stand-in/service';
import { StandInHosts } from './stand-in/two-hosts';

const run = runId.parse('killed-warm-r1');
// Every kill is the start of a PowerShell, on a machine that may be busy with others.
jest.setTimeout(600_000);

describeWithEngine('pre-copy by reference points', () => {
  const standIns = new StandInHosts();
  const { hosts } = standIns;

  async function begun() {
    const { sides, drivers, folder } = await standIns.two();
    const move = new WarmMove({ ...drivers, vmId: hosts.vmId, folder }, run);
    await move.prepare();
    return { ...sides, move };
  }

  /** As a run does with what is transient: what Hyper-V was asked for and nobody heard the end of may still be under way. */
  async function whenFree<T>(attempt: () => Promise<Outcome<T>>): Promise<T> {
    for (;;) {
      const outcome = await attempt();
      if (codeOf(outcome) !== 'VmBusy') return valueOf(outcome);
    }
  }

  /** Kills the worker at each of these, one attempt after another, and then lets it be done. */
  async function killed<T>(
    { service }: StandInHost,
    attempt: () => Promise<Outcome<T>>,
    kills: readonly (readonly [StandInCommand, 'before' | 'after'])[],
  ): Promise<T> {
    for (const [command, when] of kills) {
      service.killWorkerAt(command, when);
      await expect(whenFree(attempt)).rejects.toThrow('HyperVSilent');
      expect(service.faultCount).toBe(0);
    }
    return whenFree(attempt);
  }

  const countOf = ({ service }: StandInHost, command: StandInCommand): number =>
    service.changes.filter((change) => change === command).length;
  const pointsOf = async ({ hyperV }: StandInHost): Promise<number> => (await hyperV.checkpoints.points()).length;

  test('goes on where it was when its worker is killed at every change, and makes nothing twice', async () => {
    const { source, destination, move } = await begun();
    const taking = [
      ['take-recovery', 'before'],
      ['take-recovery', 'after'],
      ['rename-checkpoint', 'after'],
    ] as const;
    const ofRound = () => ({ ...move.ofVm, round: move.round });
    const first = await killed(source, () => move.begin(), taking);
    for (const { diskId, images } of first.disks)
      for (const { index } of images.slice(0, -1)) await move.carry({ type: 'image', diskId, index });
    const converting = [
      ['convert', 'before'],
      ['convert', 'after'],
    ] as const;
    await killed(source, () => move.onSource('end-round', ofRound()), converting);
    expect(await pointsOf(source)).toBe(1);
    move.round = 1;
    await move.carryRound(await killed(source, () => move.begin(), taking));
    const replacing = [...converting, ['destroy-point', 'before'], ['destroy-point', 'after']] as const;
    await killed(source, () => move.onSource('end-round', ofRound()), replacing);
    expect(await pointsOf(source)).toBe(1);
    move.round = 2;
    await move.cutover('save-vm');
    expect(await move.digests('destination', 'all')).toEqual(await move.digests('source', 'all'));
    await move.start();
    valueOf(await move.onSource('retire-vm', { ...move.ofVm, retire: 'keep' }));
    await killed(source, () => move.onSource('release', move.ofVm), [['destroy-point', 'before']]);
    valueOf(await move.onDestination('release', move.ofVm));
    expect(await pointsOf(source)).toBe(0);
    expect([countOf(source, 'take-recovery'), countOf(source, 'convert')]).toEqual([2, 2]);
    expect((await source.driver.leftovers()).map(({ what }) => what)).toEqual(['retired-vm']);
    expect(await destination.driver.leftovers()).toEqual([]);
  });

  test.each([
    ['begin-round', 'take-recovery'],
    ['end-round', 'convert'],
  ] as const)(
    'that was cut short in %s is undone: no recovery checkpoint and no point is left',
    async (kind, command) => {
      const { source, destination, move } = await begun();
      await move.first();
      if (kind === 'end-round') valueOf(await move.begin());
      source.service.killWorkerAt(command, 'after');
      expect(codeOf(await move.onSource(kind, { ...move.ofVm, round: 1 }))).toBe('HyperVSilent');
      await source.hyperV.jobs.idle();
      await move.undo();
      expect(await pointsOf(source)).toBe(0);
      expect(await source.driver.vm(hosts.vmId)).toMatchObject({ state: 'running', vmCheckpointCount: 0 });
      expect([...(await source.driver.leftovers()), ...(await destination.driver.leftovers())]).toEqual([]);
    },
  );

  test('that is undone while Hyper-V still takes what nobody heard the end of waits for it, and leaves nothing', async () => {
    const { source, move } = await begun();
    await move.first();
    const { locks } = hostBehind(source.hyperV.simulated);
    let letGo: () => void = () => undefined;
    const isHeld = locks.with(hosts.vmId, () => new Promise<void>((resolve) => (letGo = resolve)));
    source.service.killWorkerAt('take-recovery', 'after');
    expect(codeOf(await move.begin())).toBe('HyperVSilent');
    const removed = () => move.onSource('remove-vm-checkpoint', move.ofVm);
    expect(codeOf(await removed())).toBe('VmBusy');
    letGo();
    await isHeld;
    await whenFree(removed);
    await move.undo();
    expect(await source.driver.vm(hosts.vmId)).toMatchObject({ state: 'running', vmCheckpointCount: 0 });
  });

  /** The image that the round under way reads. */
  async function readPath({ source, move }: Awaited<ReturnType<typeof begun>>): Promise<string> {
    const [disk] = (await source.driver.vm(hosts.vmId))?.disks ?? [];
    if (disk === undefined) throw new Error('the VM has a disk');
    const subject = { type: 'changes', diskId: disk.diskId, index: 0, round: move.round } as const;
    return valueOf(await source.driver.locateForReading(run, hosts.vmId, subject)).path;
  }

  test('reads what it put aside, though the VM was stopped before anybody heard of it', async () => {
    const hostsAndMove = await begun();
    const { source, move } = hostsAndMove;
    const basePath = (await source.driver.vm(hosts.vmId))?.disks[0]?.path;
    await move.first();
    source.service.killWorkerAt('take-recovery', 'after');
    expect(codeOf(await move.begin())).toBe('HyperVSilent');
    await source.hyperV.idle();
    await source.hyperV.shutDown(hosts.vmId);
    const round = await whenFree(() => move.begin());
    expect(await readPath(hostsAndMove)).toBe(basePath);
    await move.carryRound(round);
    await move.end();
    await source.hyperV.start(hosts.vmId);
    await hosts.whenAwake(source.hyperV.simulated);
    await move.next();
    await move.cutover('save-vm');
    expect(await move.digests('destination', 'all')).toEqual(await move.digests('source', 'all'));
    await move.undo();
  });

  test('notes no round of disks that could not be told when it began', async () => {
    const hostsAndMove = await begun();
    const { source, move } = hostsAndMove;
    const basePath = (await source.driver.vm(hosts.vmId))?.disks[0]?.path;
    await move.first();
    const images = jest.spyOn(source.hyperV, 'image');
    images.mockRejectedValue(new HyperVRefusal('OperationFailed', 'The file is in use.', 0x80070020 | 0));
    expect(codeOf(await move.begin())).not.toBe('succeeded');
    images.mockRestore();
    valueOf(await move.begin());
    expect(await readPath(hostsAndMove)).toBe(basePath);
    await move.undo();
  });

  describe.each([true, false])('with change tracking: %s', (tracking) => {
    test('a round waits until the VM checkpoint that a person took is gone, and misses nothing', async () => {
      await hosts.setTracking(tracking);
      const { source, move } = await begun();
      await move.first();
      await source.hyperV.checkpoints.take(hosts.vmId, 'mine', 'Standard');
      expect(codeOf(await move.begin())).toBe('VmStateWrong');
      const [mine] = ((await source.hyperV.vms())[0]?.checkpoints ?? []).filter(({ name }) => name === 'mine');
      await source.hyperV.checkpoints.remove(hosts.vmId, mine?.id ?? '');
      await source.hyperV.idle();
      await move.next();
      await move.cutover('save-vm');
      expect(await move.digests('destination', 'all')).toEqual(await move.digests('source', 'all'));
    });

    test('a round is refused where a differencing disk that nobody merged lies between it and the one before', async () => {
      await hosts.setTracking(tracking);
      const { source, move } = await begun();
      await move.first();
      await source.hyperV.own(hosts.vmId);
      const left = await perform(source.hyperV.simulated, runId.parse('stand-in'), 'take-vm-checkpoint', move.ofVm);
      expect(codeOf(left)).toBe('succeeded');
      expect(codeOf(await move.begin())).toBe('VmStateWrong');
    });
  });

  test('copies all of a disk once more when Hyper-V does not know the point any more', async () => {
    const { source, move } = await begun();
    await move.first();
    await source.hyperV.checkpoints.losePoints();
    const round = await move.next();
    expect(round.changed.map(({ whole }) => whole)).toEqual(round.changed.map(() => true));
    expect((await move.next()).changed.every(({ whole }) => whole)).toBe(false);
    await move.cutover('save-vm');
    expect(await move.digests('destination', 'all')).toEqual(await move.digests('source', 'all'));
    await move.undo();
    expect(await pointsOf(source)).toBe(0);
  });

  test('needs no name of a recovery checkpoint, and waits for one that a backup holds', async () => {
    const { source, move } = await begun();
    source.hyperV.checkpoints.renamesRecovery = false;
    await source.hyperV.checkpoints.take(hosts.vmId, 'Backup', 'Recovery');
    expect(codeOf(await move.begin())).toBe('VmBusy');
    expect(countOf(source, 'take-recovery')).toBe(0);
    const [backup] = (await source.hyperV.vms())[0]?.checkpoints ?? [];
    await source.hyperV.checkpoints.remove(hosts.vmId, backup?.id ?? '');
    await source.hyperV.idle();
    await move.first();
    valueOf(await move.begin());
    expect((await source.hyperV.vms())[0]?.checkpoints.map(({ name }) => name)).toEqual(['Backup']);
    await move.undo();
    expect(await pointsOf(source)).toBe(0);
    valueOf(await perform(source.driver, run, 'await-heartbeat', { vmId: hosts.vmId, waitMsMax: 60_000 }));
    expect(await source.driver.vm(hosts.vmId)).toMatchObject({ vmCheckpointCount: 0 });
  });
});
