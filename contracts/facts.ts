import { z } from 'zod';
import { diskId, hostId, runId, vmId } from './ids';

const bytes = z.int().nonnegative();

/** One file of a disk's chain, base first. */
export const imageFacts = z.object({
  index: z.int().nonnegative(),
  path: z.string(),
  kind: z.enum(['fixed', 'dynamic', 'differencing']),
  virtualSizeBytes: bytes,
  fileSizeBytes: bytes,
  /** Data that this file itself holds. */
  allocatedBytes: bytes,
});
export type ImageFacts = z.infer<typeof imageFacts>;

export const diskFacts = z.object({
  diskId,
  /** The file that the VM is attached to: the last of the chain. */
  path: z.string(),
  virtualSizeBytes: bytes,
  images: z.array(imageFacts),
});
export type DiskFacts = z.infer<typeof diskFacts>;

export const vmStates = ['off', 'running', 'saved', 'planned'] as const;

export const vmFacts = z.object({
  vmId,
  name: z.string(),
  state: z.enum(vmStates),
  generation: z.int(),
  configurationVersion: z.string(),
  processorCount: z.int(),
  memoryBytes: bytes,
  switchName: z.string().nullable(),
  configurationPath: z.string(),
  disks: z.array(diskFacts),
  vmCheckpointCount: z.int().nonnegative(),
  /** Heartbeat integration service; `none` when the VM does not run. */
  heartbeat: z.enum(['ok', 'lost', 'none']),
  /** The run that reserved or fenced this VM, if any. */
  reservedBy: runId.nullable(),
  fencedBy: runId.nullable(),
});
export type VmFacts = z.infer<typeof vmFacts>;

export const volumeFacts = z.object({
  /** A root below which VMs may be placed. */
  root: z.string(),
  sizeBytes: bytes,
  freeBytes: bytes,
  /** Promised to runs that have not written it yet. */
  reservedBytes: bytes,
});

export const hostFacts = z.object({
  hostId,
  driver: z.enum(['simulated', 'powershell']),
  agentVersion: z.string(),
  memoryBytes: bytes,
  memoryFreeBytes: bytes,
  volumes: z.array(volumeFacts),
  switches: z.array(z.string()),
  /** Where peers reach the byte route of this agent, and the SHA-256 of the certificate it shows (hex). */
  byteRoute: z.object({ address: z.string(), port: z.int(), certificateSha256: z.string() }),
  /** SHA-256 (hex) of the certificate that this agent shows as a client of a peer's byte route. */
  clientCertificateSha256: z.string(),
  /** X25519 key (SPKI, DER, base64) to which keys of the staged route are sealed; an older agent has none. */
  sealingKey: z.string().optional(),
});
export type HostFacts = z.infer<typeof hostFacts>;

/** Something on a host that carries a run's mark. A run that ended leaves none, but for a retired source that its policy keeps. */
export const leftover = z.object({
  what: z.enum([
    'reservation',
    'fence',
    'vm-checkpoint',
    'planned-vm',
    'partial-disk',
    /** A file of a VM that was moved away, with all its files, and that the move had yet to remove. */
    'old-file',
    /** A role of a cluster that was removed and is not there again: what it was. */
    'removed-role',
    'run-folder',
    'running-operation',
    'retired-vm',
    /** A virtual switch that the run made, and that a VM or another run uses by now, or that could not be removed. */
    'virtual-switch',
  ]),
  runId,
  detail: z.string(),
});
export type Leftover = z.infer<typeof leftover>;
