import { batchId, migrationId, type BatchId, type MigrationId } from '../../contracts/ids';
import type { Clock } from '../../agent/clock';

const slugLengthMax = 30;

function stamped(prefix: string, clock: Clock, randomBytes: (count: number) => Uint8Array): string {
  const slug = prefix
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+/, '')
    .slice(0, slugLengthMax)
    .replace(/-+$/, '');
  const day = new Date(clock.now()).toISOString().slice(0, 10).replaceAll('-', '');
  const chance = Buffer.from(randomBytes(4)).toString('hex');
  return [...(slug === '' ? [] : [slug]), day, chance].join('-');
}

/** An id that says which VM and which day: `web01-20260801-a1b2c3d4`. */
export const newMigrationId = (vmName: string, clock: Clock, randomBytes: (count: number) => Uint8Array): MigrationId =>
  migrationId.parse(stamped(vmName, clock, randomBytes));

export const newBatchId = (clock: Clock, randomBytes: (count: number) => Uint8Array): BatchId =>
  batchId.parse(stamped('batch', clock, randomBytes));
