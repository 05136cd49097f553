import type { ImageShape } from '../../image';
import { formatOfName } from '../../open-image';
import { mib } from '../../route/testing/hosts';
import { contentOf, shapeOf } from '../../route/testing/images';

export const small = (): ImageShape => shapeOf({ virtualSizeBytes: 8 * mib });

export async function expectSameImage(copy: string, source: string): Promise<void> {
  const other = await contentOf(source);
  const one = await contentOf(copy, formatOfName(source));
  expect(one.shape).toEqual(other.shape);
  expect(one.bytes.equals(other.bytes)).toBe(true);
  expect(one.held).toEqual(other.held);
}
