import type { Outcome } from '../contracts/failure';
import type { InspectionRequest, SeedInspection } from '../contracts/inspection';
import type { SeedPlace } from './disks/route/seed/seed';
import { openDisk } from './disks/chain';

/** Opens each seed as a pull would, and says what it is. */
export async function inspectSeeds(
  locate: (path: string) => Promise<Outcome<SeedPlace>>,
  seeds: NonNullable<InspectionRequest['seeds']>,
): Promise<SeedInspection[]> {
  const found: SeedInspection[] = [];
  for (const { diskId, path } of seeds) {
    const place = await locate(path);
    const opened = place.ok ? await openDisk(place.value.path, { ...place.value, access: 'read' }) : place;
    if (opened.ok) {
      const { virtualSizeBytes } = opened.value;
      await opened.value.close();
      found.push({ diskId, path, usable: true, virtualSizeBytes });
    } else {
      const { code, message } = opened.failure;
      found.push({ diskId, path, usable: false, code, message });
    }
  }
  return found;
}
