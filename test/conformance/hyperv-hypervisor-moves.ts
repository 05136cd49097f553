import { access } from 'node:fs/promises';
import type { DriverContext, DriverOperationKind, HyperVDriver } from '../../agent/hyperv/driver';
import type { HostSpec } from '../../agent/hyperv/simulated';
import type { Outcome } from '../../contracts/failure';
import { runId, type HostId, type RunId, type VmId } from '../../contracts/ids';
import type { OperationInput, OperationOutput } from '../../contracts/operations';
import { codeOf, perform, valueOf } from './hyperv-move';

/** Two hosts of one cluster and one SAN, with a VM that runs on the first: on its own volume, as a role on a shared one, or on LUN `lun1`. */
export type ClusterHosts = {
  readonly a: HyperVDriver;
  readonly b: HyperVDriver;
  readonly hostB: HostId;
  readonly vmId: VmId;
  /** Folders that do not exist yet, below allowed roots of the one and the other. */
  readonly elsewhereOnA: string;
  readonly folderOnB: string;
  /** Keeps moves from going on before what is answered is called. Drivers whose moves take long enough need none. */
  readonly hold?: () => () => void;
};
export type ClusterHostsFor = (where: 'own' | 'shared' | 'lun', b?: HostSpec, a?: HostSpec) => Promise<ClusterHosts>;

const run = runId.parse('hypervisor-r1');
const other = runId.parse('hypervisor-other-r1');
const mib = 1024 ** 2;

const hows = ['live', 'whole', 'storage'] as const;
export type How = (typeof hows)[number];

const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

/** A run that has one of the moves made, with what its itinerary does before and after. */
export class ClusterMove {
  constructor(
    readonly hosts: ClusterHosts,
    readonly how: How,
    readonly runId: RunId = run,
  ) {}

  get ofVm() {
    return { vmId: this.hosts.vmId };
  }
  get folder(): string {
    return this.how === 'storage' ? this.hosts.elsewhereOnA : this.hosts.folderOnB;
  }
  /** Where the VM is to be. */
  get there(): HyperVDriver {
    return this.how === 'storage' ? this.hosts.a : this.hosts.b;
  }

  on<K extends DriverOperationKind>(driver: HyperVDriver, kind: K, input: Omit<OperationInput<K>, 'vmId'>) {
    return perform(driver, this.runId, kind, { ...input, ...this.ofVm } as OperationInput<K>);
  }

  /** Everything up to the move. */
  async prepare(): Promise<Outcome<unknown>> {
    const { a, b } = this.hosts;
    valueOf(await this.on(a, 'reserve-vm', {}));
    if (this.how === 'storage')
      return this.on(a, 'reserve-room', { folder: this.folder, roomBytes: 16 * mib, memoryBytes: 0 });
    const needs = valueOf(await this.on(a, 'describe-vm', {}));
    const { folder } = this;
    const brings =
      this.how === 'live' ? ({ type: 'memory' } as const) : { type: 'files' as const, folder, switchName: null };
    return this.on(b, 'admit-vm', { needs, brings });
  }

  move(context: Partial<DriverContext> = {}): Promise<Outcome<OperationOutput<'move-live'>>> {
    const { a, hostB: peerHost } = this.hosts;
    const { folder, ofVm } = this;
    const whole = { runId: this.runId, signal: new AbortController().signal, report: () => undefined, ...context };
    switch (this.how) {
      case 'live':
        return a.perform('move-live', whole, { ...ofVm, peerHost });
      case 'whole':
        return a.perform('move-whole', whole, { ...ofVm, peerHost, folder, switchName: null });
      case 'storage':
        return a.perform('move-storage', whole, { ...ofVm, folder });
    }
  }

  /** What the undo of the phases before the move does. */
  async undo(): Promise<void> {
    const { a, b } = this.hosts;
    if (this.how === 'storage') valueOf(await this.on(a, 'remove-placeholder', { folder: this.folder }));
    else valueOf(await this.on(b, 'withdraw-vm', {}));
    await this.release();
  }

  async release(): Promise<void> {
    for (const driver of new Set([this.hosts.a, this.there])) valueOf(await this.on(driver, 'release', {}));
  }

  async beats(driver: HyperVDriver): Promise<void> {
    valueOf(await this.on(driver, 'await-heartbeat', { waitMsMax: 60_000 }));
  }

  async leftovers(): Promise<unknown[]> {
    return [...(await this.hosts.a.leftovers()), ...(await this.hosts.b.leftovers())];
  }
}
const placeOf = (how: How) => (how === 'live' ? 'shared' : 'own');

/** What both drivers must do for moves that the hypervisor makes of a running VM. */
export function describeHypervisorMoves(name: string, hostsFor: ClusterHostsFor): void {
  describe(name, () => {
    describeWhatArrives(hostsFor);
    describeWhatIsStopped(hostsFor);
    describeAdmission(hostsFor);
    describeRefusedMoves(hostsFor);
  });
}

function describeWhatArrives(hostsFor: ClusterHostsFor): void {
  test.each(hows)('%s: the VM runs where it was to go, and nowhere else, and nothing is left', async (how) => {
    const hosts = await hostsFor(placeOf(how));
    const move = new ClusterMove(hosts, how);
    const before = await hosts.a.vm(hosts.vmId);
    const paths = before?.disks.flatMap(({ images }) => images.map(({ path }) => path)) ?? [];
    valueOf(await move.prepare());
    const first = valueOf(await move.move());
    // The reply was lost: it is asked again.
    expect(valueOf(await move.move())).toEqual(first);
    await move.beats(move.there);
    const located = valueOf(await move.on(move.there, 'locate-vm', { folder: how === 'live' ? null : move.folder }));
    expect(located).toMatchObject({ registered: true, state: 'running', moving: false, inFolder: how !== 'live' });
    if (how !== 'storage') {
      expect(await hosts.a.vm(hosts.vmId)).toBeUndefined();
      expect(valueOf(await move.on(hosts.a, 'locate-vm', { folder: null }))).toMatchObject({ registered: false });
    }
    await move.release();
    const arrived = await move.there.vm(hosts.vmId);
    expect(arrived).toMatchObject({ state: 'running', reservedBy: null, name: before?.name });
    for (const disk of arrived?.disks ?? []) expect(disk.path.startsWith(move.folder)).toBe(how !== 'live');
    for (const path of paths) expect(await isThere(path)).toBe(how === 'live');
    expect(await move.leftovers()).toEqual([]);
  });

  test('a VM that was moved with all its files can be moved back', async () => {
    const hosts = await hostsFor('own');
    const there = new ClusterMove(hosts, 'whole');
    valueOf(await there.prepare());
    valueOf(await there.move());
    await there.beats(hosts.b);
    await there.release();
    const within = new ClusterMove(
      { ...hosts, a: hosts.b, elsewhereOnA: `${hosts.folderOnB}-2` },
      'storage',
      runId.parse('hypervisor-back-r1'),
    );
    valueOf(await within.prepare());
    valueOf(await within.move());
    await within.beats(hosts.b);
    await within.release();
    expect(await within.leftovers()).toEqual([]);
    expect(await isThere(hosts.folderOnB)).toBe(true);
  });

  test('what arrived is not withdrawn, whatever became of it since', async () => {
    const hosts = await hostsFor('own');
    const move = new ClusterMove(hosts, 'whole');
    valueOf(await move.prepare());
    valueOf(await move.move());
    await move.beats(hosts.b);
    expect(await move.on(hosts.b, 'withdraw-vm', {})).toMatchObject({
      failure: { code: 'RefusedAfterStart', effect: 'none' },
    });
    expect(await hosts.b.vm(hosts.vmId)).toMatchObject({ state: 'running' });
    await move.release();
  });
}

function describeWhatIsStopped(hostsFor: ClusterHostsFor): void {
  test.each(hows)('%s: canceled in the middle, the VM runs where it ran, and the undo leaves nothing', async (how) => {
    const hosts = await hostsFor(placeOf(how));
    const move = new ClusterMove(hosts, how);
    const before = await hosts.a.vm(hosts.vmId);
    valueOf(await move.prepare());
    const stop = new AbortController();
    const goOn = hosts.hold?.();
    const moved = await move.move({ signal: stop.signal, report: () => stop.abort() });
    goOn?.();
    expect(moved).toMatchObject({ ok: false, failure: { code: 'CanceledByOperator', effect: 'none' } });
    expect(valueOf(await move.on(hosts.a, 'locate-vm', { folder: move.folder }))).toEqual({
      registered: true,
      state: 'running',
      moving: false,
      inFolder: false,
    });
    await move.undo();
    await move.undo();
    expect((await hosts.a.vm(hosts.vmId))?.disks.map(({ path }) => path)).toEqual(
      before?.disks.map(({ path }) => path),
    );
    expect(await hosts.a.vm(hosts.vmId)).toMatchObject({ state: 'running', reservedBy: null });
    expect(await hosts.b.vm(hosts.vmId)).toBeUndefined();
    expect(await move.leftovers()).toEqual([]);
    if (how !== 'live') expect(await isThere(`${move.folder}/${hosts.vmId}`)).toBe(false);
  });

  test('a move that was canceled can be made by the run after all', async () => {
    const hosts = await hostsFor('own');
    const move = new ClusterMove(hosts, 'storage');
    valueOf(await move.prepare());
    const stop = new AbortController();
    const goOn = hosts.hold?.();
    expect(codeOf(await move.move({ signal: stop.signal, report: () => stop.abort() }))).toBe('CanceledByOperator');
    goOn?.();
    valueOf(await move.move());
    await move.beats(hosts.a);
    await move.release();
    expect(await move.leftovers()).toEqual([]);
  });
}

/** What host B is, and with what code it refuses to take the VM. */
const admissions: [string, 'own' | 'shared', HostSpec, string][] = [
  [
    'a processor of another maker',
    'own',
    { processor: { maker: 'AuthenticAMD', features: [] } },
    'ProcessorIncompatible',
  ],
  [
    'a processor that has less',
    'own',
    { processor: { maker: 'GenuineIntel', features: ['sse4.2'] } },
    'ProcessorIncompatible',
  ],
  ['no such configuration version', 'own', { configurationVersions: ['8.0'] }, 'ConfigurationVersionUnsupported'],
  ['no such switch', 'own', { switches: ['DMZ'] }, 'SwitchMissing'],
  ['too little memory', 'shared', { memoryBytes: mib / 2 }, 'NotEnoughMemory'],
  ['too little room', 'own', { volumes: [{ name: 'vms', sizeBytes: 4 * mib }] }, 'NotEnoughRoom'],
];

function describeAdmission(hostsFor: ClusterHostsFor): void {
  test.each(admissions)(
    'a host with %s (%s) does not take the VM, and promises nothing',
    async (_what, where, b, code) => {
      const hosts = await hostsFor(where, b);
      const move = new ClusterMove(hosts, where === 'shared' ? 'live' : 'whole');
      expect(await move.prepare()).toMatchObject({ ok: false, failure: { code, effect: 'none' } });
      expect(await hosts.b.leftovers()).toEqual([]);
      expect(await isThere(hosts.folderOnB)).toBe(false);
    },
  );

  test('a VM that is no role of a cluster is not taken without its files', async () => {
    const hosts = await hostsFor('own');
    expect(codeOf(await new ClusterMove(hosts, 'live').prepare())).toBe('NotClustered');
    expect(await hosts.b.leftovers()).toEqual([]);
  });

  test('a host where the VM is registered does not take it', async () => {
    const hosts = await hostsFor('own');
    const needs = valueOf(await perform(hosts.a, run, 'describe-vm', { vmId: hosts.vmId }));
    const brings = { type: 'files', folder: hosts.elsewhereOnA, switchName: null } as const;
    const asked = await perform(hosts.a, run, 'admit-vm', { vmId: hosts.vmId, needs, brings });
    expect(asked).toMatchObject({ failure: { code: 'DestinationOccupied', effect: 'none' } });
  });

  test('what is promised once is not promised to another run, and is promised again when it was withdrawn', async () => {
    const hosts = await hostsFor('own');
    const move = new ClusterMove(hosts, 'whole');
    valueOf(await move.prepare());
    valueOf(await move.prepare());
    const needs = valueOf(await move.on(hosts.a, 'describe-vm', {}));
    const brings = { type: 'files', folder: hosts.folderOnB, switchName: null } as const;
    const asked = { vmId: hosts.vmId, needs, brings };
    expect(['VmBusy', 'DestinationOccupied']).toContain(codeOf(await perform(hosts.b, other, 'admit-vm', asked)));
    await move.undo();
    valueOf(await perform(hosts.b, other, 'admit-vm', asked));
    valueOf(await perform(hosts.b, other, 'withdraw-vm', { vmId: hosts.vmId }));
    expect(await move.leftovers()).toEqual([]);
    expect(await isThere(`${hosts.folderOnB}/${hosts.vmId}`)).toBe(false);
  });
}

function describeRefusedMoves(hostsFor: ClusterHostsFor): void {
  test('a VM that the run has not reserved, or that does not run, is not moved', async () => {
    const hosts = await hostsFor('own');
    const move = new ClusterMove(hosts, 'storage');
    expect(await move.move()).toMatchObject({ failure: { code: 'VmStateWrong', effect: 'none' } });
    valueOf(await move.prepare());
    const rival = new ClusterMove(hosts, 'storage', other);
    expect(await rival.move()).toMatchObject({ failure: { code: 'VmBusy', effect: 'none' } });
    valueOf(await move.on(hosts.a, 'save-vm', {}));
    expect(await move.move()).toMatchObject({ failure: { code: 'VmStateWrong', effect: 'none' } });
    valueOf(await move.on(hosts.a, 'resume-vm', {}));
    await move.undo();
    expect(await move.leftovers()).toEqual([]);
  });

  const noSlots = { enabled: true, slotsMax: 0, storageSlotsMax: 0, bytesPerSecond: 16 * mib };
  test.each<[How, HostSpec['liveMigration'], string, string]>([
    ['live', { ...noSlots, slotsMax: 2, enabled: false }, 'MigrationDisabled', 'permanent'],
    ['live', noSlots, 'MigrationLimitReached', 'transient'],
    ['storage', noSlots, 'MigrationLimitReached', 'transient'],
  ])('%s from a host with %j is refused as %s', async (how, liveMigration = {}, code, retry) => {
    const hosts = await hostsFor(placeOf(how), {}, { liveMigration });
    const move = new ClusterMove(hosts, how);
    valueOf(await move.prepare());
    expect(await move.move()).toMatchObject({ failure: { code, retry, effect: 'none' } });
    await move.undo();
    expect(await move.leftovers()).toEqual([]);
  });
}
