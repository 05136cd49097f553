import { z } from 'zod';
import { diskId } from '../ids';
import { processor } from '../processor';
import { diskFormats, guardian, macAddress } from './host';
import { fact } from './fact';

const bytes = z.int().nonnegative();

export const inspectedImage = z.object({
  path: z.string(),
  kind: z.enum(['fixed', 'dynamic', 'differencing']),
  fileSizeBytes: bytes,
  /** Data that this file itself holds. */
  allocatedBytes: bytes,
});

export const inspectedDisk = z.object({
  diskId,
  path: z.string(),
  /** `pass-through`: a physical disk of the host itself, which has no file. */
  attachment: z.enum(['file', 'pass-through']),
  /** Whether more than one VM may attach it at once (shared VHDX, VHD set). */
  isShared: z.boolean(),
  format: z.enum(diskFormats),
  virtualSizeBytes: bytes,
  physicalSectorBytes: z.int().positive(),
  /** Base first; empty where there is no file. */
  images: z.array(inspectedImage),
});
export type InspectedDisk = z.infer<typeof inspectedDisk>;

export const underWayKinds = ['merge', 'vm-checkpoint', 'backup', 'move', 'export'] as const;
export const automaticStarts = ['nothing', 'start-if-running', 'start'] as const;

/** What the source host tells of the VM before a move. */
export const vmInspection = z.object({
  name: fact(z.string()),
  state: fact(z.enum(['off', 'running', 'saved'])),
  configurationVersion: fact(z.string()),
  processorCount: fact(z.int().positive()),
  memoryBytes: fact(bytes),
  /** What its memory takes on disk when it is saved. */
  savedStateBytes: fact(bytes),
  /** Runs that hold it, other than the one that asks. */
  marks: fact(
    z.object({ reservedBy: z.string().nullable(), fencedBy: z.string().nullable(), retiredBy: z.string().nullable() }),
  ),
  /** What the hypervisor does with it now. */
  underWay: fact(z.enum(underWayKinds).nullable()),
  vmCheckpoints: fact(
    z.array(
      z.object({
        id: z.string(),
        name: z.string(),
        /** It uses a file that the VM does not run on: another branch of the chain. */
        isAside: z.boolean(),
        hasMemory: z.boolean(),
      }),
    ),
  ),
  isReplicated: fact(z.boolean()),
  disks: fact(z.array(inspectedDisk)),
  /** Disks whose files cannot be opened, or do not fit together. */
  damage: fact(z.array(z.object({ diskId: z.string(), code: z.string(), message: z.string() }))),
  /** Bytes of all its files. */
  fileBytes: fact(bytes),
  /** The volume that its own folder is on. */
  volume: fact(z.object({ root: z.string(), freeBytes: bytes, reservedBytes: bytes })),
  /** Other VMs that use one of its files. */
  filesUsedBy: fact(z.array(z.string())),
  /** What is in its drives: an image file, or a drive of the host. */
  media: fact(z.array(z.object({ drive: z.string(), path: z.string() }))),
  network: fact(
    z.object({
      switchName: z.string().nullable(),
      vlanId: z.int().nullable(),
      macAddress: macAddress.nullable(),
      isMacDynamic: z.boolean(),
    }),
  ),
  /** What its guest may use; with compatibility mode that which every processor of the maker has. */
  processor: fact(processor.extend({ compatibilityMode: z.boolean() })),
  /** The guardian that owns the key protector of its virtual TPM; null where it has none. */
  security: fact(z.object({ guardian: guardian.nullable(), isShielded: z.boolean() })),
  /** Devices of the host that it has for itself. */
  assignedDevices: fact(z.array(z.object({ type: z.enum(['device', 'gpu-partition']), name: z.string() }))),
  runsNestedVms: fact(z.boolean()),
  /** The cluster whose role it is, and the node that owns it; null for none. */
  role: fact(z.object({ clusterName: z.string(), owner: z.string() }).nullable()),
  /** What its role holds beside the VM; empty where it is none. An older agent does not tell. */
  roleResources: fact(z.array(z.string())).optional(),
  /** The shared volume or the LUN that holds all its files; null where they are on disks of the host's own. */
  storage: fact(z.object({ type: z.enum(['shared-volume', 'lun']), name: z.string() }).nullable()),
  integration: fact(z.object({ heartbeat: z.boolean(), shutdown: z.boolean() })),
  heartbeat: fact(z.enum(['ok', 'lost', 'none'])),
  automaticStart: fact(z.enum(automaticStarts)),
  /** How fast its guest changes its disks. */
  changedBytesPerSecond: fact(bytes),
});
export type VmInspection = z.infer<typeof vmInspection>;
