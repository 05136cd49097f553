import { guidInBraces, isGuid, readGuid, writeGuid } from './guid';

const batId = '2dc27766-f623-4200-9d64-115e9bfd4a08';

it('is stored with its first three fields little-endian', () => {
  const bytes = Buffer.alloc(18);
  writeGuid(bytes, 1, batId);
  expect(bytes.toString('hex')).toBe('006677c22d23f600429d64115e9bfd4a0800');
  expect(readGuid(bytes, 1)).toBe(batId);
});

it('is only written when it is one', () => {
  expect(() => writeGuid(Buffer.alloc(16), 0, batId.toUpperCase())).toThrow(RangeError);
  expect(isGuid('2dc27766f62342009d64115e9bfd4a08')).toBe(false);
});

it('is read from a locator in any case, with braces or without', () => {
  expect(guidInBraces(`{${batId.toUpperCase()}}`)).toBe(batId);
  expect(guidInBraces(batId)).toBe(batId);
  expect(guidInBraces(`{${batId}`)).toBeUndefined();
  expect(guidInBraces('')).toBeUndefined();
});
