import { blockBytesMax } from '../../../contracts/limits';

const zeros = Buffer.alloc(blockBytesMax);

/** Whether all bytes are zero. At most `blockBytesMax` of them; ends at the first that is not. */
export const isAllZero = (data: Buffer): boolean =>
  data.length <= zeros.length && zeros.compare(data, 0, data.length, 0, data.length) === 0;
