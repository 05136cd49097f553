import { z } from 'zod';

/**
 * Ids of the product, branded so that one kind cannot stand in for another.
 * At most 100 characters of `[A-Za-z0-9_-]`: Durable Task Scheduler allows 100, and the durable client does not URL-encode ids.
 */
const idText = (lengthMax: number) =>
  z
    .string()
    .min(1)
    .max(lengthMax)
    .regex(/^[A-Za-z0-9_-]+$/, 'use only letters, digits, "_" and "-"');

const guid = /^[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$/;

/** A Hyper-V host as the configuration names it; also the path of its hybrid connection. */
export const hostId = idText(50).brand<'HostId'>();
export type HostId = z.infer<typeof hostId>;

/** Whether two names are those of one host. Windows takes names of computers in either case, and often writes them in capitals. */
export const isSameHost = (one: string, other: string): boolean => one.toLowerCase() === other.toLowerCase();

/** The GUID of a VM, lower case. Names are not unique on a Hyper-V host. */
export const vmId = z
  .string()
  .regex(guid, 'use a GUID such as 6f9619ff-8b86-d011-b42d-00c04fc964ff')
  .toLowerCase()
  .brand<'VmId'>();
export type VmId = z.infer<typeof vmId>;

/** One VM's move, chosen by the client or made from its idempotency key. */
export const migrationId = idText(60).brand<'MigrationId'>();
export type MigrationId = z.infer<typeof migrationId>;

/** One attempt to carry out a migration; the Durable instance id of its orchestration. */
export const runId = idText(70).brand<'RunId'>();
export type RunId = z.infer<typeof runId>;

/** One idempotent request to an agent. */
export const operationId = idText(100).brand<'OperationId'>();
export type OperationId = z.infer<typeof operationId>;

export const batchId = idText(60).brand<'BatchId'>();
export type BatchId = z.infer<typeof batchId>;

/** A disk slot of a VM, by its place: `scsi-0-1` is controller 0, location 1. */
export const diskId = z
  .string()
  .regex(/^(?:scsi|ide)-\d{1,2}-\d{1,2}$/, 'use controller-number-location, such as scsi-0-0')
  .brand<'DiskId'>();
export type DiskId = z.infer<typeof diskId>;

/** The run of a migration's nth attempt, counted from 1. */
export const runIdOf = (migration: MigrationId, attempt = 1): RunId => runId.parse(`${migration}-r${attempt}`);

/** The migration that a run belongs to. */
export const migrationIdOf = (run: RunId): MigrationId => migrationId.parse(run.replace(/-r\d+$/, ''));
