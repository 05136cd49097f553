import type { OperationKind, OperationOutput } from '../../../contracts/operations';

/** What a host has of the VM, as far as the operations of a run change it. */
export type Side = {
  /** The registration, real: it may run unless something keeps it from that. */
  registered: boolean;
  state: 'running' | 'saved' | 'off' | 'absent';
  reserved: boolean;
  fenced: boolean;
  vmCheckpoint: boolean;
  referencePoints: boolean;
  exported: boolean;
  /** An export lies where anybody may take it. */
  published: boolean;
  /** A virtual switch with the mark of the run. */
  switchMade: boolean;
  /** A registration that cannot start. */
  planned: boolean;
  imported: boolean;
  merged: boolean;
  /** Files that the run copied here and no registered VM uses. */
  copies: number;
  hasLun: boolean;
  /** Whether the VM's files are in the folder that the run names. */
  inFolder: boolean;
  /** The VM is a role of the cluster of this host. */
  isRole: boolean;
  /** The run has removed it, and knows what it was. */
  removedRole: boolean;
};

const empty: Side = {
  registered: false,
  state: 'absent',
  reserved: false,
  fenced: false,
  vmCheckpoint: false,
  referencePoints: false,
  exported: false,
  published: false,
  switchMade: false,
  planned: false,
  imported: false,
  merged: false,
  copies: 0,
  hasLun: false,
  inFolder: false,
  isRole: false,
  removedRole: false,
};

/**
 * What a run does to the VM. `move`: it runs on the first host and goes elsewhere. `lun`: the same, with all its files on a LUN, which one
 * host at most has. `export`: it runs on the first host and stays. `import`: it lies there as an export, and no host has it.
 */
export type Story = 'move' | 'lun' | 'export' | 'import';

/** Two hosts, and a VM of which the story tells. */
export class World {
  readonly source: Side;
  readonly destination: Side;
  readonly done: OperationKind[] = [];
  /** What the guest has written since the last round of pre-copy, look by look; the last one stays. */
  changedBytes = [0];
  seenBytes = 0;
  /** What pulls answer otherwise than the sample does. */
  pulled: Partial<OperationOutput<'pull'>> = {};
  /** What the making of a switch answers. */
  madeSwitch = { made: true };
  /** What an import finds that it has to change. */
  fixUps: { what: 'switch'; from: string; to: string }[] = [];
  /** How many more times the destination says that a VM is on its way to it. */
  movingLooks = 0;
  /** Whether the run started the VM again that it had stopped. */
  resumed = false;
  /** What must never be, and was. */
  readonly violations: string[] = [];
  private readonly before: string;

  constructor(
    readonly story: Story = 'move',
    /** The VM is a role of the cluster of the first host, and is to become one of that of the second. */
    private readonly changesRole = false,
  ) {
    const isRole = changesRole;
    const running = { ...empty, registered: true, state: 'running', hasLun: story === 'lun', isRole } as const;
    this.source = story === 'import' ? { ...empty, published: true } : running;
    this.destination = { ...empty };
    this.before = this.text;
  }

  private get text(): string {
    return JSON.stringify([this.source, this.destination]);
  }

  /** Everything is as it was before the run. */
  get untouched(): boolean {
    return this.text === this.before;
  }

  /** The VM runs where it was to go, and nowhere else; after an export, where it was. */
  get runsThere(): boolean {
    const { story, source } = this;
    if (story === 'export' || story === 'import') return source.registered && source.state === 'running';
    const runs = [this.source, this.destination].filter((side) => side.registered && side.state === 'running');
    return runs.length === 1 && (this.destination.state === 'running' || this.source.inFolder);
  }

  /** It runs there, and nothing of the run but a fenced source, or its export, is left. */
  get arrived(): boolean {
    const isLeft = ({
      reserved,
      exported,
      switchMade,
      planned,
      copies,
      fenced,
      registered,
      vmCheckpoint,
    }: Side): boolean =>
      reserved ||
      exported ||
      switchMade ||
      planned ||
      copies > 0 ||
      (fenced && !registered) ||
      (this.exports && vmCheckpoint);
    const isOut = !this.exports || this.source.published;
    const isItsRole = !this.changesRole || (this.destination.isRole && !this.source.isRole);
    return this.runsThere && isOut && isItsRole && ![this.source, this.destination].some(isLeft);
  }

  private get exports(): boolean {
    return this.story === 'export' || this.story === 'import';
  }

  /** Notes an operation that was done, and what it made of the world. */
  note(kind: OperationKind): void {
    this.done.push(kind);
    const sides = [this.source, this.destination];
    const mayRun = (side: Side): boolean => side.registered && !side.fenced && (side.hasLun || this.story !== 'lun');
    if (sides.every(mayRun)) this.violations.push(`${kind}: both sides can run the VM`);
    if (sides.some((side) => side.fenced && side.state === 'running'))
      this.violations.push(`${kind}: a fenced VM runs`);
    if (sides.every((side) => side.hasLun)) this.violations.push(`${kind}: both hosts have the LUN`);
    if (!sides.some((side) => side.registered || side.published)) this.violations.push(`${kind}: the VM is lost`);
  }
}

/** What an operation makes of the world. Each is "make it so", as an agent's are. */
export type Effect = (on: { readonly world: World; readonly here: Side; readonly there: Side }) => unknown;
export type Effects<Kinds extends OperationKind> = { readonly [K in Kinds]: Effect };

/** The cluster would start it again. */
export const leavesCluster: Effect = ({ world, here }) => {
  if (here.isRole) world.violations.push('a role of a cluster was stopped or moved');
};
