import { randomUUID } from 'node:crypto';
import { changeDataWriteId, createVhdx, openVhdx } from '../vhdx';
import type { ImageFormat } from './image-format';

/**
 * VHDX as the byte route writes it: tables in order and without the log, since nobody uses the image before it is whole, and with the ids
 * of its source, since children of the source must accept it as their parent.
 */
export function vhdxFormat(newGuid: () => string = randomUUID): ImageFormat {
  const options = { tables: 'ordered', dataWriteId: 'kept', newGuid } as const;
  return {
    openForReading: (path) => openVhdx(path, { access: 'read' }),
    create: (path, shape) => createVhdx(path, shape, options),
    openForWriting: (path) => openVhdx(path, { ...options, access: 'write' }),
    nameContent: (path, dataWriteId) => changeDataWriteId(path, dataWriteId, { newGuid }),
  };
}
