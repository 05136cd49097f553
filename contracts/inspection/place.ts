import { z } from 'zod';
import { failure } from '../failure';
import { fixUp } from '../operations/exports';
import { fact } from './fact';

const bytes = z.int().nonnegative();

/** The folder that a request names, on the host where it is. */
export const placeInspection = z.discriminatedUnion('allowed', [
  z.object({ allowed: z.literal(false), why: z.string() }),
  z.object({
    allowed: z.literal(true),
    volume: fact(
      z.object({
        root: z.string(),
        freeBytes: bytes,
        /** Promised to other runs, which have not written it yet. */
        reservedBytes: bytes,
        /** Largest file that its file system takes; null where no disk can reach it. */
        fileBytesMax: bytes.nullable(),
      }),
    ),
    /** Physical sectors of the disk that the volume is on. */
    sectorBytes: fact(z.int().positive()),
    /** The shared volume of the cluster that it is on; null for none. */
    sharedVolume: fact(z.string().nullable()),
    /** Whether the VM lies in it already. */
    isOfVm: fact(z.boolean()),
    /** What stands where the VM's own folder would be, and is not of the run that asks. */
    occupiedBy: fact(z.string().nullable()),
    /** An export of a VM of that name. */
    exportThere: fact(z.string().nullable()),
    /** The VM's own folder as it would be, and how long the path of a file may be there; null where nobody can reach that. */
    paths: fact(z.object({ home: z.string(), charactersMax: z.int().positive().nullable() })),
  }),
]);
export type PlaceInspection = z.infer<typeof placeInspection>;
export type AllowedPlace = Extract<PlaceInspection, { allowed: true }>;

/** The folder that is to be imported. */
export const importInspection = z.discriminatedUnion('found', [
  z.object({ found: z.literal(false), failure }),
  z.object({
    found: z.literal(true),
    vmName: z.string(),
    memoryBytes: bytes,
    roomBytes: bytes,
    processorCount: z.int().positive(),
    configurationVersion: z.string(),
    fixUps: z.array(fixUp),
    /** A VM of the host that uses one of its disks. */
    usedBy: z.string().nullable(),
  }),
]);
export type ImportInspection = z.infer<typeof importInspection>;
