import { z } from 'zod';
import { diskFacts } from '../facts';
import { diskId, vmId } from '../ids';

/** Shapes that operations of several areas share. */
export const bytes = z.int().nonnegative();
export const digest = z.string().regex(/^[0-9a-f]{64}$/);
export const ofVm = z.object({ vmId });
export const ofPlace = ofVm.extend({ folder: z.string() });
export const nothing = z.object({});
/** What came over the line, and in how many milliseconds, while it was what a copy waited for. */
export const ofLine = z.object({ bytes, ms: z.int().positive() });

/**
 * What a guest reads of a disk, at one end or the same at both: of all chunks, or of the scope `changed`, as it was asked for. Agents of earlier
 * versions tell a digest that is no Merkle root, and so do receipts of then.
 */
export const readDisk = z.union([
  z.object({ diskId, merkleRoot: digest, bytesRead: bytes }),
  z.object({ diskId, digest, bytesRead: bytes }),
]);
export type ReadDisk = z.infer<typeof readDisk>;

/** What two disks have in common of which a guest reads the same, if the same version read them. */
export const sumOf = (disk: ReadDisk): string => ('merkleRoot' in disk ? disk.merkleRoot : disk.digest);

/** What a run must know of a VM to plan its copy. */
export const vmSizes = z.object({ vmName: z.string(), memoryBytes: bytes, disks: z.array(diskFacts) });

/**
 * An operation of an agent. `afterStart` says what becomes of it once the run has started the VM on the same host: from then on a run only
 * goes forward, so what would write to or remove the started VM's files, stop it, or let the source start again there, is `refused`
 * whatever the driver thinks. `source-only` is for a host that is source and destination of the run: there it means the VM that the run
 * fenced before the start.
 */
export type OperationDefinition = {
  readonly input: z.ZodType<{ vmId: z.infer<typeof vmId> }>;
  readonly output: z.ZodType;
  readonly afterStart: 'allowed' | 'refused' | 'source-only';
  /** What one that ended as canceled left; `none` where its agent looked and found everything as it was. Otherwise `applied`. */
  readonly afterCancel?: 'none';
  /** It starts the VM on its host, which is remembered for ever before it is tried. */
  readonly starts?: true;
};

/** The facts of an operation beside its schemas. */
export type OperationRules = Pick<OperationDefinition, 'afterStart' | 'afterCancel' | 'starts'>;
