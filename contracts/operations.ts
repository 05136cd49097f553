import { z } from 'zod';
import { failure } from './failure';
import { diskId, hostId, operationId, runId, vmId } from './ids';
import { diskFacts } from './facts';

const bytes = z.int().nonnegative();
const digest = z.string().regex(/^[0-9a-f]{64}$/);

/** What is pulled over the byte route: one file of a disk's chain, or one file of the VM's configuration or memory. */
export const pullSubject = z.discriminatedUnion('type', [
  z.object({ type: z.literal('image'), diskId, index: z.int().nonnegative() }),
  z.object({ type: z.literal('file'), file: z.enum(['configuration', 'memory']) }),
]);
export type PullSubject = z.infer<typeof pullSubject>;

const peer = z.object({
  hostId,
  address: z.string(),
  port: z.int(),
  certificateSha256: z.string(),
  /** Signed by the app (relay/ticket.ts). It is made when the operation is sent and never enters an orchestration's history. */
  ticket: z.string(),
});

const ofVm = { vmId };

/** What a run must know of a VM to plan its copy. */
const vmSizes = z.object({ vmName: z.string(), memoryBytes: bytes, disks: z.array(diskFacts) });

/**
 * What an app may ask of an agent. Every operation means "make it so for this run": a repeat by id answers the first outcome, a new
 * attempt finds what an earlier one did. Inputs alone suffice for an undo, since its do may have lost its reply.
 */
export const operations = {
  /** Marks the VM as this run's on the source, so that no second run takes it. */
  'reserve-vm': { input: z.object({ ...ofVm }), output: z.object({}) },
  /** Promises room below a root and memory of the destination to this run. */
  'reserve-room': {
    input: z.object({ ...ofVm, folder: z.string(), roomBytes: bytes, memoryBytes: bytes }),
    output: z.object({ freeBytes: bytes }),
  },
  /** Takes the reservations of this run back. Part of every ending, so it never refuses. */
  release: { input: z.object({ ...ofVm }), output: z.object({}) },
  /** Opens every file of every disk of the VM and checks its structure. */
  'check-disks': { input: z.object({ ...ofVm }), output: vmSizes },
  /** Makes the placeholder: a planned VM (it cannot start and takes no memory) and its folder. */
  'place-vm': {
    input: z.object({ ...ofVm, vmName: z.string(), folder: z.string() }),
    output: z.object({}),
  },
  /** Removes the placeholder, and every file that this run wrote for it. Refuses when this run ever started the VM here. */
  'remove-placeholder': { input: z.object({ ...ofVm, folder: z.string() }), output: z.object({ removedBytes: bytes }) },
  /** A VM checkpoint of this run: each disk gets a differencing disk, and the files below it stand still. */
  'take-vm-checkpoint': { input: z.object({ ...ofVm }), output: vmSizes },
  /** Merges the differencing disks of this run's VM checkpoint back; the VM may run meanwhile. */
  'remove-vm-checkpoint': { input: z.object({ ...ofVm }), output: z.object({}) },
  /** Copies one image or file from a peer, resuming where an earlier attempt of this run stopped. */
  pull: {
    input: z.object({
      ...ofVm,
      subject: pullSubject,
      folder: z.string(),
      peer,
      bandwidthBytesPerSecondMax: z.int().positive().nullable(),
      /** What the ledger holds of this transfer; a journal that is behind it was lost. */
      ledgerWatermarkBytes: bytes.nullable(),
    }),
    output: z.object({
      path: z.string(),
      /** Hash chain (BLAKE3) over the frames that carried the content, equal at both ends and for every way of being interrupted. */
      digest,
      dataBytes: bytes,
      sentBytes: bytes,
      resentBytes: bytes,
      zeroBytes: bytes,
    }),
  },
  /** Stops a running VM with its memory on disk. The outage begins. */
  'save-vm': {
    input: z.object({ ...ofVm }),
    output: vmSizes.extend({ savedAt: z.iso.datetime(), memoryFileBytes: bytes }),
  },
  /** Starts a VM that this run saved, on the source. */
  'resume-vm': { input: z.object({ ...ofVm }), output: z.object({}) },
  /** Keeps the VM from starting or changing until this run's mark is removed. */
  'fence-vm': { input: z.object({ ...ofVm }), output: z.object({}) },
  'unfence-vm': { input: z.object({ ...ofVm }), output: z.object({}) },
  /** Writes the VM's configuration where the byte route serves it from. */
  'export-configuration': { input: z.object({ ...ofVm }), output: z.object({}) },
  'remove-export': { input: z.object({ ...ofVm }), output: z.object({}) },
  /** Gives the planned VM the pulled configuration, with disks and switch changed to what is here. */
  'import-configuration': {
    input: z.object({ ...ofVm, folder: z.string(), switchName: z.string().nullable() }),
    output: z.object({ changes: z.array(z.string()) }),
  },
  /** Merges this run's differencing disks into their parents below the planned VM. */
  'merge-disks': { input: z.object({ ...ofVm, folder: z.string() }), output: z.object({ mergedBytes: bytes }) },
  /**
   * Digest of what a guest would read. `changed`: of the chunks that the last image of each disk touches, as the pull's journal or the
   * image itself tells; `all`: of the whole disk.
   */
  'digest-disks': {
    input: z.object({ ...ofVm, scope: z.enum(['changed', 'all']), side: z.enum(['source', 'destination']) }),
    output: z.object({ disks: z.array(z.object({ diskId, digest, bytesRead: bytes })) }),
  },
  /** The pivot: the planned VM becomes real and starts from its saved state. Remembered for ever: this run started the VM here. */
  'start-vm': {
    input: z.object({ ...ofVm, folder: z.string() }),
    output: z.object({ startedAt: z.iso.datetime() }),
  },
  /** Waits for the heartbeat of the guest. */
  'await-heartbeat': {
    input: z.object({ ...ofVm, waitMsMax: z.int().positive() }),
    output: z.object({
      seenAt: z.iso.datetime(),
      /** What the guest itself measured, from its last write before the save to its first after the start; absent where it cannot. */
      guestOutageMs: z.int().nonnegative().optional(),
    }),
  },
  /** What becomes of the source after the start at the destination. */
  'retire-vm': {
    input: z.object({ ...ofVm, retire: z.enum(['keep', 'unregister', 'delete']) }),
    output: z.object({ kept: z.array(z.string()), freedBytes: bytes }),
  },
} as const satisfies Record<string, { input: z.ZodType; output: z.ZodType }>;

export type OperationKind = keyof typeof operations;
export type OperationInput<K extends OperationKind> = z.infer<(typeof operations)[K]['input']>;
export type OperationOutput<K extends OperationKind> = z.infer<(typeof operations)[K]['output']>;
export const operationKinds = Object.keys(operations) as [OperationKind, ...OperationKind[]];

/** The body of `PUT /v1/operations/{operationId}`. `input` is checked against the kind's own schema. */
export const operationRequest = z.object({
  contract: z.literal(1),
  runId,
  /** Grows with each attempt at a phase of the run. The agent refuses one older than it has seen. */
  epoch: z.int().positive(),
  kind: z.enum(operationKinds),
  input: z.unknown(),
});
export type OperationRequest = z.infer<typeof operationRequest>;

export const operationProgress = z.object({
  bytesDone: bytes,
  bytesTotal: bytes,
  bytesPerSecond: z.number().nonnegative(),
  /** Durable at the destination, and the digest up to there, for the ledger. */
  watermarkBytes: bytes.optional(),
  digestSoFar: z.string().optional(),
  resentBytes: bytes.optional(),
  waitingFor: z.string().nullable(),
});
export type OperationProgress = z.infer<typeof operationProgress>;

/** What the agent answers to a start, a look and a cancel. */
export const operationView = z.intersection(
  z.object({
    operationId,
    runId,
    epoch: z.int(),
    kind: z.enum(operationKinds),
    /** When the agent last saw this operation move, in its own clock; the deadline of the app is on silence. */
    movedAt: z.iso.datetime(),
    progress: operationProgress.nullable(),
  }),
  z.discriminatedUnion('state', [
    z.object({ state: z.literal('running') }),
    z.object({ state: z.literal('succeeded'), output: z.unknown() }),
    z.object({ state: z.literal('failed'), failure }),
    z.object({ state: z.literal('canceled') }),
  ]),
);
export type OperationView = z.infer<typeof operationView>;
