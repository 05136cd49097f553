import { z } from 'zod';
import { runId, vmId } from '../ids';
import { imported } from '../operations/exports';
import { hostInspection, presence } from './host';
import { stagingAccess } from '../operations/staged';
import { seed } from '../requests/seeds';
import { importInspection, placeInspection } from './place';
import { seedInspection } from './seeds';
import { storageInspection } from './storage';
import { vmInspection } from './vm';

export { fact, known, notKnown, type Fact } from './fact';
export { type HostInspection, type Presence } from './host';
export { type AllowedPlace, type ImportInspection, type PlaceInspection } from './place';
export { type SeedInspection } from './seeds';
export { type StorageInspection } from './storage';
export { type InspectedDisk, type VmInspection } from './vm';

/** The body of `POST /v1/inspections`: what a host is to look at. Changes nothing there. */
export const inspectionRequest = z.object({
  contract: z.literal(1),
  /** The run that asks: its own marks are not held against it. Null for a person who asks before any run. */
  runId: runId.nullable(),
  /** The VM, by the id that it has or will have on this host. */
  vmId,
  /** Its name, where it is known; by it another VM of the same name is found. */
  vmName: z.string().nullable(),
  /** Whether the VM itself is described: on the host that has it. */
  describesVm: z.boolean(),
  folder: z.string().nullable(),
  imports: imported.nullable(),
  /** Disks on this host that are to be looked at as seeds. */
  seeds: z.array(seed).optional(),
  /** Where the route is staged: access to a container that is not there, with which storage is asked. */
  storage: stagingAccess.optional(),
});
export type InspectionRequest = z.infer<typeof inspectionRequest>;

/** What it answers. */
export const inspection = z.object({
  agentVersion: z.string(),
  /** Version of the contract between app and agent. */
  contract: z.int(),
  host: hostInspection,
  presence,
  /** Null when no such VM is registered, or it was not asked for. */
  vm: vmInspection.nullable(),
  place: placeInspection.nullable(),
  imports: importInspection.nullable(),
  /** Of an agent that was asked about seeds and knows them. */
  seeds: z.array(seedInspection).optional(),
  /** Of an agent that was given access to storage and looks at it. */
  storage: storageInspection.optional(),
});
export type Inspection = z.infer<typeof inspection>;
