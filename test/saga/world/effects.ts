import type { OperationKind, OperationOutput } from '../../../contracts/operations';
import { sampleOutputs, sizesWith } from '../../samples/operation-outputs';
import { lunEffects } from './lun-effects';
import { moveEffects } from './move-effects';
import { leavesCluster, type Effect, type Effects, type Side, type World } from './state';

type Output = Partial<{ [K in OperationKind]: OperationOutput<K> }>;

const nothing: Effect = () => undefined;

/** Rounds of pre-copy end before the VM is stopped: what it wrote since one began that has not ended would be in none. */
const stopped = (on: Parameters<Effect>[0]): void => {
  const { world, here } = on;
  leavesCluster(on);
  if (here.referencePoints && here.vmCheckpoint) world.violations.push('the VM was stopped in the middle of a round');
};

const byRoute: Effects<Exclude<OperationKind, keyof typeof moveEffects | keyof typeof lunEffects>> = {
  'reserve-vm': ({ here }) => (here.reserved = true),
  'check-disks': nothing,
  'reserve-room': ({ here }) => (here.reserved = true),
  // The mark of a switch goes once its VM is there.
  release: ({ here }) =>
    Object.assign(here, {
      reserved: false,
      exported: false,
      // What a role was stays noted where its VM stays and is none.
      removedRole: here.removedRole && here.registered && !here.fenced,
      switchMade: here.switchMade && !here.registered,
    }),
  'make-switch': ({ world, here }) => (here.switchMade = world.madeSwitch.made),
  // One that a VM or a placeholder uses stays.
  'remove-switch': ({ here }) => (here.switchMade &&= here.planned || here.registered),
  'place-vm': ({ here }) => (here.planned = true),
  'take-vm-checkpoint': ({ here }) => (here.vmCheckpoint = true),
  'remove-vm-checkpoint': ({ here }) => Object.assign(here, { vmCheckpoint: false, referencePoints: false }),
  'begin-round': ({ here }) => {
    here.referencePoints = true;
    if (here.state === 'running') here.vmCheckpoint = true;
  },
  'export-vm': ({ here }) => (here.exported = true),
  'publish-export': ({ here }) => Object.assign(here, { exported: false, published: true }),
  'remove-unpublished': ({ here }) => (here.exported = false),
  'compare-import': nothing,
  'copy-import': ({ here }) => (here.copies += 1),
  'adopt-import': ({ here }) => Object.assign(here, { planned: true, imported: true }),
  'end-round': ({ here }) => (here.vmCheckpoint = false),
  'look-at-changes': ({ world }) => {
    const [next = 0, ...later] = world.changedBytes;
    world.seenBytes = next;
    if (later.length > 0) world.changedBytes = later;
  },
  'shut-down-vm': (on) => {
    stopped(on);
    on.here.state = 'off';
  },
  pull: ({ here }) => (here.copies += 1),
  stage: nothing,
  'pull-staged': ({ here }) => (here.copies += 1),
  'save-vm': (on) => {
    stopped(on);
    on.here.state = 'saved';
  },
  'resume-vm': ({ world, here }) => {
    if (here.state !== 'saved' && here.state !== 'off') return;
    here.state = 'running';
    world.resumed = true;
  },
  'fence-vm': ({ here }) => (here.fenced = true),
  'unfence-vm': ({ here }) => (here.fenced = false),
  'export-configuration': ({ here }) => (here.exported = true),
  'remove-export': ({ here }) => (here.exported = false),
  'import-configuration': ({ here }) => (here.imported = true),
  'merge-disks': ({ here }) => (here.merged = true),
  'digest-disks': nothing,
  'start-vm': ({ here }) => {
    Object.assign(here, { registered: true, state: 'running', planned: false, imported: false, merged: false });
    here.copies = 0;
  },
  'await-heartbeat': nothing,
  'retire-vm': nothing,
  'remove-placeholder': ({ world, here }) => {
    const isTheirs = here.registered && (here !== world.source || world.story === 'import');
    if (isTheirs) world.violations.push('the disks of a started VM were removed');
    Object.assign(here, { planned: false, copies: 0, imported: false, merged: false });
  },
};

const effects: Effects<OperationKind> = { ...byRoute, ...moveEffects, ...lunEffects };

/** Outputs that say something of the world, or that phases count in. */
const outputs = (world: World, here: Side): Output => ({
  'begin-round': { ...sampleOutputs['begin-round'], ...sizesWith(2) },
  'shut-down-vm': { ...sampleOutputs['shut-down-vm'], ...sizesWith(2) },
  'look-at-changes': { changedBytes: world.seenBytes },
  pull: { ...sampleOutputs.pull, ...world.pulled },
  'make-switch': world.madeSwitch,
  'remove-switch': { usedBy: here.switchMade ? 'VM vm' : null },
  'compare-import': { ...sampleOutputs['compare-import'], fixUps: world.fixUps },
  // A repeat answers what the first one did.
  'resume-vm': { outageMs: world.resumed ? 7000 : null },
  'check-disks': { ...sizesWith(1), state: here.state === 'absent' ? 'off' : here.state },
  'take-vm-checkpoint': sizesWith(2),
  'save-vm': { ...sampleOutputs['save-vm'], ...sizesWith(2) },
  'locate-vm': {
    registered: here.registered,
    state: here.state === 'absent' ? 'absent' : here.state,
    moving: here === world.destination && world.movingLooks >= 0,
    inFolder: here.inFolder,
  },
});

/** What agents refuse, whoever asks. */
const refusals: Partial<Record<OperationKind, (on: Parameters<Effect>[0]) => boolean>> = {
  'resume-vm': ({ here }) => here.fenced && (here.state === 'saved' || here.state === 'off'),
  'attach-lun': ({ there }) => there.hasLun,
  'reattach-lun': ({ there }) => there.hasLun,
  'withdraw-vm': ({ world, here }) => here.registered && here !== world.source,
};

/** Whether the agent of a side refuses an operation as things stand. */
export function refuses(world: World, side: 'source' | 'destination', kind: OperationKind): boolean {
  const there = side === 'source' ? world.destination : world.source;
  return refusals[kind]?.({ world, here: world[side], there }) === true;
}

/** Carries an operation out on one side of the world and answers its output. */
export function applyTo(world: World, side: 'source' | 'destination', kind: OperationKind): unknown {
  const here = world[side];
  const there = side === 'source' ? world.destination : world.source;
  effects[kind]({ world, here, there });
  world.note(kind);
  const outputsOf = outputs(world, here);
  return kind in outputsOf ? outputsOf[kind] : sampleOutputs[kind];
}
