import type { ImageShape } from '../../image';
import { mib } from '../../route/testing/hosts';
import { contentOf, shapeOf } from '../../route/testing/images';

export const small = (): ImageShape => shapeOf({ virtualSizeBytes: 8 * mib });

export async function expectSameImage(copy: string, source: string): Promise<void> {
  const [one, other] = [await contentOf(copy), await contentOf(source)];
  expect(one.shape).toEqual(other.shape);
  expect(one.bytes.equals(other.bytes)).toBe(true);
  expect(one.held).toEqual(other.held);
}
