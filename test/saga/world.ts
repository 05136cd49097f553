import { failureOf, type Failure, type Outcome } from '../../contracts/failure';
import { vmId } from '../../contracts/ids';
import type { OperationKind, OperationView } from '../../contracts/operations';
import type { StartOperationInput } from '../../activities/definitions';

export const theVm = vmId.parse('11111111-2222-3333-4444-555555555555');

/** What the operations of a run change, on two hosts. Each is "make it so", as an agent's are. */
export class World {
  source = {
    state: 'running',
    resumed: false,
    reserved: false,
    vmCheckpoint: false,
    referencePoints: false,
    fenced: false,
    exported: false,
    published: false,
  };
  /** What the guest has written since the last round, look by look; the last one stays. */
  changedBytes = [0];
  /** What an import finds that it has to change. */
  fixUps: { what: 'switch'; from: string; to: string }[] = [];
  destination = {
    room: false,
    placeholder: false,
    files: 0,
    imported: false,
    merged: false,
    started: false,
    released: false,
  };
  /** Started at the destination more than once, or while the source could start. */
  readonly violations: string[] = [];
  readonly done: OperationKind[] = [];

  apply(kind: OperationKind): unknown {
    this.done.push(kind);
    const output = this.effects[kind]();
    this.check(kind);
    return output;
  }

  /** Nothing of the run is left, and the VM runs where it ran. */
  get untouched(): boolean {
    const { state, reserved, vmCheckpoint, referencePoints, fenced, exported } = this.source;
    const { room, placeholder, files, imported, started } = this.destination;
    const left = [
      reserved,
      vmCheckpoint,
      referencePoints,
      fenced,
      exported,
      room,
      placeholder,
      files > 0,
      imported,
      started,
    ];
    return state === 'running' && !left.includes(true);
  }

  private check(kind: OperationKind): void {
    const sourceCanStart = !this.source.fenced;
    if (this.destination.started && sourceCanStart) this.violations.push(`${kind}: both sides can start`);
    if (this.source.state === 'running' && this.source.fenced) this.violations.push(`${kind}: a fenced VM runs`);
  }

  private readonly effects: Record<OperationKind, () => unknown> = {
    'reserve-vm': () => this.set(() => (this.source.reserved = true)),
    'check-disks': () => ({ ...this.sizes(1), state: this.source.state }),
    'reserve-room': () => this.set(() => (this.destination.room = true), { freeBytes: 1 }),
    'place-vm': () => this.set(() => (this.destination.placeholder = true)),
    'take-vm-checkpoint': () => this.set(() => (this.source.vmCheckpoint = true), this.sizes(2)),
    pull: () =>
      this.set(() => (this.destination.files += 1), {
        path: 'x',
        digest: 'a'.repeat(64),
        dataBytes: 10,
        sentBytes: 10,
        resentBytes: 0,
        zeroBytes: 0,
      }),
    'save-vm': () =>
      this.set(() => (this.source.state = 'saved'), {
        ...this.sizes(2),
        savedAt: '2027-01-01T00:00:00.000Z',
        memoryFileBytes: 5,
      }),
    'shut-down-vm': () =>
      this.set(() => (this.source.state = 'off'), { ...this.sizes(2), shutDownAt: '2027-01-01T00:00:00.000Z' }),
    'begin-round': () =>
      this.set(
        () => {
          this.source.referencePoints = true;
          if (this.source.state === 'running') this.source.vmCheckpoint = true;
        },
        {
          ...this.sizes(2),
          tracking: 'change-tracking',
          changed: [{ diskId: 'scsi-0-0', changedBytes: 10, whole: false }],
        },
      ),
    'end-round': () => this.set(() => (this.source.vmCheckpoint = false)),
    'look-at-changes': () => {
      const [next = 0, ...later] = this.changedBytes;
      if (later.length > 0) this.changedBytes = later;
      return { changedBytes: next };
    },
    'export-vm': () => this.set(() => (this.source.exported = true), { exportedBytes: 1, files: 2 }),
    'publish-export': () =>
      this.set(() => Object.assign(this.source, { exported: false, published: true }), { folder: '/exports/vm' }),
    'remove-unpublished': () => this.set(() => (this.source.exported = false)),
    'compare-import': () => ({ vmName: 'vm', memoryBytes: 5, roomBytes: 10, fixUps: this.fixUps }),
    'copy-import': () => this.set(() => (this.destination.files += 1), { copiedBytes: 1 }),
    'adopt-import': () =>
      this.set(() => Object.assign(this.destination, { placeholder: true, imported: true }), { changes: ['adopted'] }),
    'fence-vm': () => this.set(() => (this.source.fenced = true)),
    'export-configuration': () => this.set(() => (this.source.exported = true)),
    'import-configuration': () => this.set(() => (this.destination.imported = true), { changes: ['disk moved'] }),
    'merge-disks': () => this.set(() => (this.destination.merged = true), { mergedBytes: 3 }),
    'digest-disks': () => ({ disks: [{ diskId: 'scsi-0-0', digest: 'b'.repeat(64), bytesRead: 10 }] }),
    'start-vm': () => this.set(() => (this.destination.started = true), { startedAt: '2027-01-01T00:00:09.000Z' }),
    'await-heartbeat': () => ({ seenAt: '2027-01-01T00:00:10.000Z' }),
    'retire-vm': () => ({ kept: [], freedBytes: 0 }),
    release: () =>
      this.set(() => {
        this.source.reserved = false;
        this.destination.room = false;
      }),
    'remove-placeholder': () =>
      this.set(
        () => {
          if (this.destination.started) this.violations.push('the disks of a started VM were removed');
          Object.assign(this.destination, { placeholder: false, files: 0, imported: false, merged: false });
        },
        { removedBytes: 0 },
      ),
    'remove-vm-checkpoint': () =>
      this.set(() => Object.assign(this.source, { vmCheckpoint: false, referencePoints: false })),
    'resume-vm': () =>
      this.set(
        () => {
          this.source.resumed ||= this.source.state !== 'running';
          this.source.state = 'running';
        },
        // Evaluated before the change: a repeat answers what the first one did.
        { outageMs: this.source.resumed || this.source.state !== 'running' ? 7000 : null },
      ),
    'unfence-vm': () => this.set(() => (this.source.fenced = false)),
    'remove-export': () => this.set(() => (this.source.exported = false)),
  };

  private set(change: () => unknown, output: unknown = {}): unknown {
    change();
    return output;
  }

  private sizes(images: number) {
    const one = { path: 'x', kind: 'dynamic', virtualSizeBytes: 100, fileSizeBytes: 100, allocatedBytes: 10 };
    return {
      vmName: 'vm',
      memoryBytes: 5,
      disks: [
        {
          diskId: 'scsi-0-0',
          path: 'x',
          virtualSizeBytes: 100,
          images: Array.from({ length: images }, (_, index) => ({ ...one, index })),
        },
      ],
    };
  }
}

/** What goes wrong with the first operation of a kind, or with each of them. */
export type Fault =
  /** The agent refuses; nothing was done. */
  | 'refused'
  /** The agent did it, and reports a failure of which it does not know the effect. */
  | 'failed after effect'
  /** The agent did it; the reply to the start is lost. */
  | 'reply lost'
  /** The agent never got the request. */
  | 'request lost'
  /** The activity threw after the agent did it. */
  | 'threw'
  /** The agent fails once for a passing reason. */
  | 'failed once';

export type Plan = { readonly kind: OperationKind; readonly fault: Fault; readonly always?: boolean };

/** Agents in a process: keeps operations by id, answers looks, and applies the plan of faults. */
export class FakeAgents {
  readonly views = new Map<string, OperationView>();
  private readonly seen = new Set<OperationKind>();
  private readonly epochs = new Map<string, number>();
  readonly inputs: { readonly kind: OperationKind; readonly input: unknown }[] = [];
  readonly starts: { readonly operationId: string; readonly epoch: number; readonly kind: OperationKind }[] = [];
  /** Looks that an operation of a kind stays running for. */
  readonly looksUntilDone = new Map<OperationKind, number>();

  constructor(
    private readonly world: World,
    private readonly plans: readonly Plan[] = [],
  ) {}

  start(kind: OperationKind, asked: StartOperationInput): Outcome<OperationView> {
    this.inputs.push({ kind, input: asked.input });
    this.starts.push({ operationId: asked.operationId, epoch: asked.epoch, kind });
    const known = this.views.get(asked.operationId);
    if (known !== undefined) return { ok: true, value: known };
    const highest = this.epochs.get(asked.host) ?? 0;
    if (asked.epoch < highest) return { ok: false, failure: failureOf('EpochStale', { message: 'older' }) };
    this.epochs.set(asked.host, asked.epoch);
    const fault = this.faultOf(kind);
    if (fault === 'request lost') return lost();
    if (fault === 'refused')
      return this.put(kind, asked, failedWith(failureOf('NotEnoughRoom', { message: 'refused' })));
    if (fault === 'failed once') {
      return this.put(kind, asked, failedWith(failureOf('IoFailed', { message: 'once', effect: 'none' })));
    }
    if ((this.looksUntilDone.get(kind) ?? 0) > 0) return this.put(kind, asked, { state: 'running' });
    const output = this.world.apply(kind);
    if (fault === 'failed after effect') {
      const failure = failureOf('AgentError', { message: 'unknown', retry: 'permanent' });
      return this.put(kind, asked, failedWith(failure));
    }
    const view = this.put(kind, asked, { state: 'succeeded', output });
    if (fault === 'threw') throw new Error('the worker died');
    return fault === 'reply lost' ? lost() : view;
  }

  look(operationId: string): Outcome<OperationView> {
    const view = this.views.get(operationId);
    if (view === undefined) return { ok: false, failure: failureOf('OperationLost', { message: operationId }) };
    const left = this.looksUntilDone.get(view.kind) ?? 0;
    if (view.state === 'running' && left > 0) {
      this.looksUntilDone.set(view.kind, left - 1);
      if (left === 1)
        this.views.set(operationId, { ...base(view), state: 'succeeded', output: this.world.apply(view.kind) });
    }
    return { ok: true, value: this.views.get(operationId) ?? view };
  }

  cancel(operationId: string): void {
    const view = this.views.get(operationId);
    if (view?.state === 'running') this.views.set(operationId, { ...base(view), state: 'canceled' });
  }

  private faultOf(kind: OperationKind): Fault | undefined {
    const plan = this.plans.find((one) => one.kind === kind);
    if (plan === undefined || (this.seen.has(kind) && plan.always !== true)) return undefined;
    this.seen.add(kind);
    return plan.fault;
  }

  private put(
    kind: OperationKind,
    { operationId, runId, epoch }: StartOperationInput,
    end: End,
  ): Outcome<OperationView> {
    const view: OperationView = {
      operationId,
      runId,
      epoch,
      kind,
      movedAt: '2027-01-01T00:00:00.000Z',
      progress: null,
      ...end,
    };
    this.views.set(operationId, view);
    return { ok: true, value: view };
  }
}

type End =
  | { readonly state: 'running' }
  | { readonly state: 'succeeded'; readonly output: unknown }
  | { readonly state: 'failed'; readonly failure: Failure };

const failedWith = (failure: Failure): End => ({ state: 'failed', failure });
const lost = (): Outcome<OperationView> => ({
  ok: false,
  failure: failureOf('AgentTimedOut', { message: 'no reply' }),
});

const base = ({ operationId, runId, epoch, kind, movedAt, progress }: OperationView) => ({
  operationId,
  runId,
  epoch,
  kind,
  movedAt,
  progress,
});
