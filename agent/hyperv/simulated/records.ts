import { z } from 'zod';
import { diskId, runId, vmId } from '../../../contracts/ids';
import { diskFormats, macAddress } from '../../../contracts/inspection/host';
import { automaticStarts } from '../../../contracts/inspection/vm';
import { vmDisksMax } from '../../../contracts/limits';
import { madeSwitchTypes } from '../../../contracts/switches';
import { removedRole } from '../../../contracts/operations/roles';

/**
 * The state files of a simulated host. Each is written as a whole (files.ts) and parsed as untrusted.
 * Paths are kept relative to the host's folder where they lie below it, so that the folder can be moved or copied (layout.ts).
 */
const bytes = z.int().nonnegative();
const path = z.string().min(1);
const guid = z.guid();

export const hostRecord = z.object({
  schema: z.literal(1),
  memoryBytes: bytes,
  processorCount: z.int().positive(),
  switches: z.array(z.string()),
  /** Of these, by name; `external` where nothing is said. */
  switchTypes: z.record(z.string(), z.enum([...madeSwitchTypes, 'external'])).default({}),
  /** Whether its VMs can be asked what changed on a disk since a reference point (Windows Server 2016 and later). */
  changeTracking: z.boolean().default(true),
  /** How the other hosts of its fabric call it, and where the folder is that they share. */
  fabric: z
    .object({
      folder: path,
      name: z.string(),
      /** How often it looks for VMs that others hand over. */
      lookMs: z.int().positive().default(50),
    })
    .nullable()
    .default(null),
  processor: z
    .object({ maker: z.string(), features: z.array(z.string()) })
    .default({ maker: 'GenuineIntel', features: ['sse4.2', 'aes', 'avx', 'avx2'] }),
  configurationVersions: z.array(z.string()).default(['8.0', '9.0', '10.0', '12.0']),
  /** VLANs that its switches carry; null is all. */
  vlans: z.array(z.int()).nullable().default(null),
  liveMigration: z
    .object({
      enabled: z.boolean(),
      slotsMax: z.int().nonnegative(),
      storageSlotsMax: z.int().nonnegative(),
      bytesPerSecond: z.int().positive(),
      /** Of disks that it copies in a move; null is as fast as they go. */
      storageBytesPerSecond: z.int().positive().nullable().default(null),
    })
    .default({
      enabled: true,
      slotsMax: 2,
      storageSlotsMax: 2,
      bytesPerSecond: 1024 ** 3,
      storageBytesPerSecond: null,
    }),
  migrationAuthentication: z
    .object({
      type: z.enum(['kerberos', 'credssp']),
      delegatedTo: z.array(z.string()).nullable(),
      credentialGuard: z.boolean(),
    })
    .default({ type: 'kerberos', delegatedTo: null, credentialGuard: false }),
  migrationNetworks: z.array(z.string()).default([]),
  /** What it gives to new VMs. */
  macAddressPool: z
    .object({ first: macAddress, last: macAddress })
    .default({ first: '00155D000000', last: '00155D0000FF' }),
  guardians: z.array(z.string()).default([]),
  attestedBy: z.string().nullable().default(null),
  diskFormats: z.array(z.enum(diskFormats)).default(['vhd', 'vhdx']),
  /** How far its clock is ahead. */
  clockAheadMs: z.int().default(0),
  /** How long the path of a file may be; null where nobody can reach that. */
  pathCharactersMax: z.int().positive().nullable().default(null),
  /** Facts that it does not tell when it is inspected, such as `host.cluster` or `vm.disks`. */
  cannotTell: z.array(z.string()).default([]),
  /** Folders below which VMs may be placed, each a volume of its own with a capacity that may be less than the real disk's. */
  volumes: z
    .array(
      z.object({
        root: path,
        sizeBytes: bytes,
        fileBytesMax: bytes.nullable().optional(),
        sectorBytes: z.int().positive().optional(),
      }),
    )
    .min(1),
});
export type HostRecord = z.infer<typeof hostRecord>;

/** How the guest of a VM behaves. Part of the VM's configuration, since it moves with it. */
export const guestSettings = z.object({
  seed: z.int().nonnegative(),
  writeBytesPerSecond: bytes.max(256 * 1024 ** 2),
  /** Where the guest writes most, from 1 MiB on of each disk. It knows what each block of it must contain. */
  workAreaBytes: bytes.max(1024 ** 3),
  /** Behind the work area; the guest writes there now and then. */
  outskirtsBytes: bytes,
  flushEveryMs: z.int().positive(),
  /** Size of the file that holds the saved memory. */
  savedStateBytes: bytes,
});
export type GuestSettings = z.infer<typeof guestSettings>;

export const attachedDisk = z.object({ diskId, path });
export type AttachedDisk = z.infer<typeof attachedDisk>;

export const vmCheckpointRecord = z.object({
  id: guid,
  name: z.string(),
  /** The run whose VM checkpoint this is; null for one that a person made. */
  runId: runId.nullable(),
  createdAt: z.iso.datetime(),
  /** Whether it has the memory of that moment. */
  hasMemory: z.boolean().optional(),
  /** The image of each disk that stands still since. */
  frozen: z.array(attachedDisk),
  /**
   * `taking`: the differencing disks are being made, none is attached. `merging`: they are being merged back, so that the images below
   * the one that the guest writes change, though what a guest reads does not.
   */
  stage: z.enum(['taking', 'taken', 'merging']),
  /** Differencing disks on top of each frozen image: one, and one more for each round of pre-copy without change tracking. */
  layers: z.int().positive().default(1),
});
export type VmCheckpointRecord = z.infer<typeof vmCheckpointRecord>;

/** A moment from which on changes are known, made by a run for one of its rounds of pre-copy. */
export const referencePoint = z.object({
  id: guid,
  runId,
  round: z.int().nonnegative(),
  createdAt: z.iso.datetime(),
  disks: z.array(
    z.object({
      diskId,
      /** Of the host's change tracking; null where a differencing disk tells what changed. */
      trackingId: z.string().nullable(),
      /** What the data write id of a copy that stands at this point is. */
      contentId: guid,
    }),
  ),
});
export type ReferencePoint = z.infer<typeof referencePoint>;

export const savedState = z.object({ path, sizeBytes: bytes, savedAt: z.iso.datetime(), runId: runId.nullable() });
export type SavedState = z.infer<typeof savedState>;

/** What of a VM's settings changes nothing in the simulation, but stands in the way of moves. It goes along with the VM. */
const vmHardware = z.object({
  media: z.array(z.object({ drive: z.string(), path: z.string() })).default([]),
  macAddress: macAddress.nullable().default(null),
  isMacDynamic: z.boolean().default(true),
  /** Guardian of the key protector of its virtual TPM; null for none. */
  guardian: z.string().nullable().default(null),
  isShielded: z.boolean().default(false),
  assignedDevices: z.array(z.object({ type: z.enum(['device', 'gpu-partition']), name: z.string() })).default([]),
  runsNestedVms: z.boolean().default(false),
  isReplicated: z.boolean().default(false),
  isBackedUp: z.boolean().default(false),
  integration: z.object({ heartbeat: z.boolean(), shutdown: z.boolean() }).default({ heartbeat: true, shutdown: true }),
  automaticStart: z.enum(automaticStarts).default('nothing'),
  passThroughDisks: z.array(attachedDisk).default([]),
  sharedDisks: z.array(diskId).default([]),
});

/** A VM's settings, as they are exported, carried over and imported. */
const vmSettings = z.object({
  vmId,
  name: z.string().min(1).max(200),
  generation: z.union([z.literal(1), z.literal(2)]),
  configurationVersion: z.string().max(20),
  processorCount: z.int().positive(),
  memoryBytes: bytes,
  switchName: z.string().nullable(),
  vlanId: z.int().min(1).max(4094).nullable().default(null),
  /** The guest sees the features only that every processor of the maker has. */
  processorCompatibility: z.boolean().default(false),
  hardware: vmHardware.prefault({}),
  guest: guestSettings,
});

/** One registration of a VM on this host. */
export const vmRegistration = vmSettings.extend({
  schema: z.literal(1),
  /** The folder that holds the VM's own files. */
  home: path,
  state: z.enum(['off', 'running', 'saved']),
  /** With state `running`: the VM has yet to start from it; no guest has written to the disks since it was saved. */
  savedState: savedState.nullable(),
  /** The last time that a run stopped the VM, and when it started it here again. */
  stop: z
    .object({ runId, stoppedAt: z.iso.datetime(), resumedAt: z.iso.datetime().nullable() })
    .nullable()
    .default(null),
  disks: z.array(attachedDisk).max(vmDisksMax),
  /** Oldest first. */
  vmCheckpoints: z.array(vmCheckpointRecord),
  /** Oldest first. */
  referencePoints: z.array(referencePoint).default([]),
  /** The run that shut the VM down, which may start it again, and when its guest wrote last. */
  shutDownBy: z
    .object({ runId, shutDownAt: z.iso.datetime(), lastWriteAtMs: z.number().nullable() })
    .nullable()
    .default(null),
  reservedBy: runId.nullable(),
  fencedBy: runId.nullable(),
  /** The run that started the VM elsewhere and left this registration as its retired source. It never starts again. */
  retiredBy: runId.nullable(),
  /** The run that brought the VM here. */
  startedBy: z.object({ runId, startedAt: z.iso.datetime() }).nullable(),
  /** The handover by which this host gives the VM away; once that is committed, the VM is not here any more. */
  leaving: z.guid().nullable().default(null),
  /** What the guest itself measured: from its last write before the save to its first one after the start. */
  guestOutageMs: z.int().nonnegative().nullable(),
});
export type VmRegistration = z.infer<typeof vmRegistration>;

/** A retired source that was set aside because the same VM was started here by `runId` or moved back by a later run. */
export const retiredRecord = z.object({ schema: z.literal(1), runId, vm: vmRegistration });
export type RetiredRecord = z.infer<typeof retiredRecord>;

/** `vms/<vmId>/vm.json`. One file, so that starting a VM where its old registration is takes that one out of use in the same rename. */
export const vmRecord = vmRegistration.extend({ setAside: retiredRecord.nullable() });
export type VmRecord = z.infer<typeof vmRecord>;

/** What travels as the configuration: settings, and by what names the images of each disk were known, base first. */
export const exportedConfiguration = vmSettings.extend({
  schema: z.literal(1),
  runId,
  /** Null of a VM that is off: it has no saved state, and starts cold. */
  savedStateBytes: bytes.nullable(),
  savedAt: z.iso.datetime().nullable(),
  /** When the guest of a VM that the run shut down wrote last. */
  lastWriteAtMs: z.number().nullable(),
  /** Whether the last image of each disk is the differencing disk of the run's VM checkpoint, to be merged where it arrives. */
  endsInVmCheckpointOfRun: z.boolean(),
  disks: z
    .array(z.object({ diskId, attachedPath: z.string(), imageNames: z.array(z.string().max(400)).min(1).max(256) }))
    .max(vmDisksMax),
  /** A person's VM checkpoints. `frozenIndex` counts in `imageNames`. */
  vmCheckpoints: z.array(
    z.object({
      id: guid,
      name: z.string(),
      createdAt: z.iso.datetime(),
      frozen: z.array(z.object({ diskId, frozenIndex: z.int().nonnegative() })),
    }),
  ),
});
export type ExportedConfiguration = z.infer<typeof exportedConfiguration>;

/** `planned/<runId>/<vmId>/vm.json`: a placeholder that cannot start. */
export const plannedRecord = z.object({
  schema: z.literal(1),
  runId,
  vmId,
  vmName: z.string(),
  /** `<folder>/<vmId>`, all of whose content this run wrote. */
  home: path,
  /** Folders above the home that were made for it, innermost first. */
  madeFolders: z.array(path),
  /** Whether its home is a folder that is imported in place, whose files are not this run's to remove. */
  adopted: z.boolean().default(false),
  imported: z
    .object({
      vm: vmRegistration,
      /** What the import was asked for, since a repeat that asks for another switch is another import. */
      switchName: z.string().nullable(),
      changes: z.array(z.string()),
      /** The run's differencing disks, and what became of them: `mergedBytes` is null until the child's content is in the parent. */
      differencing: z.array(z.object({ diskId, childPath: path, parentPath: path, mergedBytes: bytes.nullable() })),
    })
    .nullable(),
});
export type PlannedRecord = z.infer<typeof plannedRecord>;

/** `switches/<id>.json`: a virtual switch that a run made. */
export const switchRecord = z.object({
  schema: z.literal(1),
  id: guid,
  name: z.string(),
  type: z.enum(madeSwitchTypes),
  /** The run that made it, until that has brought its VM here. */
  madeBy: runId.nullable(),
});
export type SwitchRecord = z.infer<typeof switchRecord>;

/** `runs/<runId>/<vmId>/run.json`: what this host promised to a run and did for it. */
export const runRecord = z.object({
  schema: z.literal(1),
  runId,
  vmId,
  room: z.object({ folder: path, roomBytes: bytes, memoryBytes: bytes }).nullable(),
  /** The placeholder's folder, for release after the VM started there. */
  home: path.nullable(),
  retirement: z
    .object({
      policy: z.enum(['keep', 'unregister', 'delete']),
      delete: z.array(path),
      kept: z.array(path),
      freedBytes: bytes,
      home: path,
    })
    .nullable(),
  /** The switch that the run uses and asked to be made. */
  switchName: z.string().nullable().default(null),
  /** The LUN that this host took or gave up for the run. */
  lun: z.string().nullable().default(null),
  /**
   * A move by the hypervisor that this host made for the run: what it answered, files of the VM that are to go, and when the VM arrived at
   * the other host, once this one has seen it.
   */
  moved: z
    .object({
      answer: z.unknown(),
      remove: z.array(path),
      home: path.nullable(),
      arrivedAt: z.iso.datetime().nullable().default(null),
    })
    .nullable()
    .default(null),
  /** The role that the run removed here; noted before it is, and forgotten when it is there again. */
  removedRole: removedRole.nullable().default(null),
});
export type RunRecord = z.infer<typeof runRecord>;
