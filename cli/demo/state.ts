import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { migrationId, type MigrationId } from '../../contracts/ids';
import { writeFileAtomic } from '../stack/files';
import type { Layout } from '../stack/layout';

const demoState = z.object({ schema: z.literal(1), migrationId });
const fileOf = (layout: Layout): string => join(layout.home, 'demo.json');

/** The migration that an earlier start asked for. */
export function readDemoMigration(layout: Layout): MigrationId | undefined {
  try {
    return demoState.parse(JSON.parse(readFileSync(fileOf(layout), 'utf8'))).migrationId;
  } catch {
    return undefined;
  }
}

/** Kept before the migration is asked for, so that a start after any interruption asks for the same one. */
export const writeDemoMigration = (layout: Layout, id: MigrationId): void =>
  writeFileAtomic(fileOf(layout), `${JSON.stringify({ schema: 1, migrationId: id })}\n`);
