import { succeeded, type Outcome } from '../../contracts/failure';
import type { MigrationId } from '../../contracts/ids';
import { migrationRecord, type MigrationRecord } from '../../contracts/records';
import type { Documents } from './documents';

const pathOf = (id: MigrationId): string => `migrations/${id}.json`;

export const createRecord = (documents: Documents, record: MigrationRecord): Promise<Outcome<'created' | 'exists'>> =>
  documents.create(pathOf(record.id), record);

export const readRecord = async (
  documents: Documents,
  id: MigrationId,
): Promise<Outcome<MigrationRecord | undefined>> => {
  const stored = await documents.read(pathOf(id), migrationRecord);
  return stored.ok ? succeeded(stored.value?.value) : stored;
};
