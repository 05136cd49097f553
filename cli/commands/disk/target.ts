import { resolve } from 'node:path';
import type { CopyTarget } from '../../../agent/disks/copy/copy-image';
import type { ImageShape } from '../../../agent/disks/image';
import { createImage, openImageAs, type ImageFormat } from '../../../agent/disks/open-image';
import { createRaw, openRaw } from '../../../agent/disks/raw';
import type { Context } from '../../context';
import { guidSource } from './options';

/** What a copy is made as. */
export type Wanted = { readonly format: ImageFormat | 'raw'; readonly shape: ImageShape };

/** How a copy is made and opened again. Its ids are those of the shape: nothing but the copy writes to it. */
export function targetOf(context: Context, path: string, { format, shape }: Wanted): CopyTarget {
  const base = { path: resolve(path), hasParent: shape.parent !== undefined };
  if (format === 'raw') {
    return {
      ...base,
      create: (partial) => createRaw(partial, shape.virtualSizeBytes),
      open: (partial) => openRaw(partial, 'write'),
    };
  }
  const options = { tables: 'ordered', dataWriteId: 'kept', newGuid: guidSource(context) } as const;
  return {
    ...base,
    create: (partial) => createImage(format, partial, shape, { ...options, nowMs: () => context.clock.now() }),
    open: (partial) => openImageAs(format, partial, { ...options, access: 'write' }),
  };
}
