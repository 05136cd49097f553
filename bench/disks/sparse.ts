import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { gib, makeImage } from '../bytes/images';
import { startRouteContender } from '../bytes/route-contender';

export type SparseResult = {
  readonly virtualSizeBytes: number;
  readonly dataBytes: number;
  readonly seconds: number;
  readonly peakRssBytes: { readonly source: number; readonly destination: number };
};

/** What a huge disk that holds little takes of the memory of both ends. */
export async function benchSparse(folder: string): Promise<SparseResult> {
  const [image, target] = [join(folder, 'sparse.vhdx'), join(folder, 'sparse-copy.vhdx')];
  const [virtualSizeBytes, dataBytes] = [1024 * gib, 4 * gib];
  await makeImage(image, { kind: 'dynamic', virtualSizeBytes, oneOf: virtualSizeBytes / dataBytes });
  const route = await startRouteContender(folder, image);
  try {
    const { seconds } = await route.copy(target);
    return { virtualSizeBytes, dataBytes, seconds, peakRssBytes: await route.peakRssBytes() };
  } finally {
    await route.stop();
    for (const path of [image, target]) await rm(path, { force: true });
  }
}
