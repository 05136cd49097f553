import { agentEnds } from '../../agent/hyperv/agent-ends';
import type { HyperVDriver } from '../../agent/hyperv/driver';
import type { Outcome } from '../../contracts/failure';
import { ClusterMove, type How } from '../conformance/hyperv-hypervisor-moves';
import { codeOf, valueOf } from '../conformance/hyperv-move';
import { FabricSite, hostB } from '../simulated/fabric-site';
import { describeWithEngine } from './engine';
import { SharedWorkers } from './stand-in/host';
import type { StandInMoves } from './stand-in/moves';

// Every kill is the start of a PowerShell, on a machine that may be busy with others.
jest.setTimeout(600_000);

describeWithEngine('a move by Hyper-V', () => {
  let site: FabricSite;
  let a: HyperVDriver;
  let b: HyperVDriver;
  const workers = { a: new SharedWorkers(), b: new SharedWorkers() };
  beforeEach(() => {
    site = new FabricSite();
  });
  afterEach(async () => {
    for (const one of Object.values(workers)) await one.idle();
    await site.close();
  });
  afterAll(async () => {
    for (const one of Object.values(workers)) await one.close();
  });

  async function moveOf(how: How): Promise<ClusterMove> {
    await site.make(how === 'live' ? 'shared' : 'own');
    a = await workers.a.over(site.a, site.hostFolder('a'));
    b = await workers.b.over(site.b, site.hostFolder('b'));
    ofA().peers = new Map([[hostB, workers.b.service.hyperV]]);
    workers.a.service.changes.length = 0;
    const folders = { elsewhereOnA: site.pathOn('a', 'elsewhere'), folderOnB: site.pathOn('b', 'elsewhere') };
    const move = new ClusterMove({ a, b, hostB, vmId: site.vmId, ...folders }, how);
    valueOf(await move.prepare());
    return move;
  }

  const ofA = (): StandInMoves => workers.a.service.hyperV.moves;
  const started = (): number => workers.a.service.changes.filter((change) => change === 'start-move').length;
  const effectOf = (outcome: Outcome<unknown>) => (outcome.ok ? 'applied' : outcome.failure.effect);

  async function arrives(move: ClusterMove): Promise<void> {
    valueOf(await move.move());
    await move.beats(move.there);
    await move.release();
    expect(await move.leftovers()).toEqual([]);
  }

  async function staysAsItWas(move: ClusterMove): Promise<void> {
    const found = valueOf(await move.on(a, 'locate-vm', { folder: move.folder }));
    expect(found).toEqual({ registered: true, state: 'running', moving: false, inFolder: false });
  }

  test.each<How>(['live', 'whole', 'storage'])(
    '%s: a worker that dies before it started the move has started none, and the next attempt does',
    async (how) => {
      const move = await moveOf(how);
      workers.a.service.killWorkerAt('start-move', 'before');
      expect(await move.move()).toMatchObject({ failure: { code: 'HyperVSilent', effect: 'none' } });
      expect(started()).toBe(0);
      await staysAsItWas(move);
      if (how === 'whole') {
        valueOf(await move.on(b, 'withdraw-vm', {}));
        valueOf(await move.prepare());
      }
      await arrives(move);
      expect(started()).toBe(1);
    },
  );

  test.each<How>(['live', 'whole', 'storage'])(
    '%s: a move whose worker died when it had started it is found, followed to its end, and started once',
    async (how) => {
      const move = await moveOf(how);
      workers.a.service.killWorkerAt('start-move', 'after');
      await arrives(move);
      expect(started()).toBe(1);
      expect(workers.a.service.faultCount).toBe(0);
    },
  );

  test.each<How>(['live', 'whole', 'storage'])(
    '%s: a move that cannot be looked at once it was started is not taken for one that never began',
    async (how) => {
      const move = await moveOf(how);
      workers.a.service.refuseLooksAfter('start-move', 1);
      await arrives(move);
      expect(workers.a.service.seeAgain()).toBe(true);
      expect(started()).toBe(1);
    },
  );

  test.each<How>(['whole', 'storage'])(
    '%s: a release whose worker died when it had taken the mark away is repeated, and leaves nothing',
    async (how) => {
      const move = await moveOf(how);
      valueOf(await move.move());
      await move.beats(move.there);
      workers[how === 'storage' ? 'a' : 'b'].service.killWorkerAt('set-notes', 'after');
      expect(codeOf(await move.on(move.there, 'release', {}))).toBe('HyperVSilent');
      await move.release();
      expect(await move.leftovers()).toEqual([]);
    },
  );

  test('an admission that promised room and then refuses the folder does not say that nothing was done', async () => {
    const move = await moveOf('whole');
    const needs = valueOf(await move.on(a, 'describe-vm', {}));
    const brings = { type: 'files' as const, folder: site.pathOn('b', 'another'), switchName: null };
    expect(await move.on(b, 'admit-vm', { needs, brings })).toMatchObject({
      failure: { code: 'DestinationOccupied', effect: 'applied' },
    });
    await move.undo();
    expect(await move.leftovers()).toEqual([]);
  });

  test('a look whose worker dies is looked again, and the move goes on', async () => {
    const move = await moveOf('storage');
    const gate = Promise.withResolvers<undefined>();
    ofA().gate = gate.promise;
    let reports = 0;
    const report = (): void => {
      reports += 1;
      if (reports === 1) workers.a.service.killWorkerAt('move-jobs', 'before');
      if (reports === 3) gate.resolve(undefined);
    };
    valueOf(await move.move({ report }));
    expect(workers.a.service.faultCount).toBe(0);
    expect(started()).toBe(1);
    await move.release();
  });

  test('an agent that ends lets the move go on, and the next one follows it to its end', async () => {
    const move = await moveOf('whole');
    const gate = Promise.withResolvers<undefined>();
    ofA().gate = gate.promise;
    const stop = new AbortController();
    const report = (): void => {
      stop.abort(agentEnds());
    };
    expect(effectOf(await move.move({ signal: stop.signal, report }))).toBe('unknown');
    expect(ofA().isMoving(site.vmId)).toBe(true);
    expect(workers.a.service.changes).not.toContain('stop-move');
    const again = arrives(move);
    gate.resolve(undefined);
    await again;
    expect(started()).toBe(1);
  });

  test.each<[How, string]>([
    ['whole', 'MoveFailed'],
    ['storage', 'succeeded'],
  ])('%s: when Hyper-V has forgotten the job, where the VM is says what became of it', async (how, expected) => {
    const move = await moveOf(how);
    const gate = Promise.withResolvers<undefined>();
    ofA().gate = gate.promise;
    ofA().forgetsJobs = true;
    const stop = new AbortController();
    const report = (): void => {
      stop.abort(agentEnds());
    };
    await move.move({ signal: stop.signal, report });
    gate.resolve(undefined);
    await ofA().idle();
    const outcome = await move.move();
    expect(codeOf(outcome)).toBe(expected);
    // The source alone does not know: the VM may have gone otherwise. Both hosts are asked.
    if (how === 'whole') expect(effectOf(outcome)).toBe('unknown');
    const there = valueOf(await move.on(move.there, 'locate-vm', { folder: move.folder }));
    expect(there).toMatchObject({ registered: true, moving: false, inFolder: true });
    expect(started()).toBe(1);
    await move.release();
  });

  test('what a move left at the other host is removed by the undo, and by nothing else', async () => {
    const move = await moveOf('whole');
    ofA().leavesRests = true;
    ofA().breaks = { description: 'Die Verbindung wurde getrennt. (0x80072746)' };
    expect(await move.move()).toMatchObject({ failure: { code: 'MoveFailed', effect: 'none', native: '0x80072746' } });
    await staysAsItWas(move);
    const ofB = workers.b.service.hyperV.moves.inbound;
    expect([...ofB]).toEqual([site.vmId]);
    expect((await b.leftovers()).map(({ what }) => what)).toContain('partial-disk');
    await move.undo();
    expect([...ofB]).toEqual([]);
    expect(await move.leftovers()).toEqual([]);
  });

  test('a job that failed is told by its numbers, in whatever language, and the VM stays', async () => {
    const move = await moveOf('storage');
    const broken: [object, object][] = [
      [{ description: 'Zugriff verweigert (0x80070005).' }, { code: 'AccessDenied', native: '0x80070005' }],
      [{ description: 'Anmeldedaten fehlen (0x8009030E).' }, { code: 'DelegationMissing', native: '0x8009030E' }],
      [{ description: 'Zu wenig Platz: 0x80070070' }, { code: 'NotEnoughRoom' }],
      [
        { description: '', messageId: '21501' },
        { code: 'MigrationLimitReached', retry: 'transient' },
      ],
      [
        { description: '', errorCode: 32775 },
        { code: 'VmStateWrong', native: 'job error 32775' },
      ],
      [{ description: 'Access is denied.' }, { code: 'MoveFailed', retry: 'transient', native: 'job error 32768' }],
    ];
    for (const [breaks, expected] of broken) {
      ofA().breaks = breaks as StandInMoves['breaks'];
      expect(await move.move()).toMatchObject({ failure: { ...expected, effect: 'none' } });
    }
    await staysAsItWas(move);
    await arrives(move);
  });

  test('a move that an administrator makes is not taken for the one of the run', async () => {
    const move = await moveOf('storage');
    const gate = Promise.withResolvers<undefined>();
    ofA().gate = gate.promise;
    await ofA().start('storage', site.vmId, { folder: site.pathOn('a', 'theirs', site.vmId) });
    expect(await move.move()).toMatchObject({ failure: { code: 'VmBusy', effect: 'none' } });
    expect(valueOf(await move.on(a, 'locate-vm', { folder: null }))).toMatchObject({ moving: true });
    ofA().stopOf(site.vmId);
    await ofA().idle();
    gate.resolve(undefined);
    await arrives(move);
  });
});
