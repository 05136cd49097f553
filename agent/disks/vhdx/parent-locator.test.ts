import { newGuid, well } from '../testing/disks';
import { decodeParentLocator, encodeParentLocator } from './parent-locator';

it('comes back as it was written', () => {
  const parent = {
    dataWriteId: newGuid(),
    secondDataWriteId: newGuid(),
    relativePath: '.\\base.vhdx',
    absolutePath: 'C:\\VMs\\Größe\\base.vhdx',
  };
  expect(well(decodeParentLocator(encodeParentLocator(parent)))).toEqual(parent);
});

it('stores a relative path as Windows does', () => {
  const dataWriteId = newGuid();
  const relative = (relativePath: string) =>
    well(decodeParentLocator(encodeParentLocator({ dataWriteId, relativePath }))).relativePath;
  expect(relative('base.vhdx')).toBe('.\\base.vhdx');
  expect(relative('../up/base.vhdx')).toBe('..\\up\\base.vhdx');
  expect(relative('..\\up\\base.vhdx')).toBe('..\\up\\base.vhdx');
});

it('names the id in braces', () => {
  const dataWriteId = newGuid();
  expect(encodeParentLocator({ dataWriteId }).toString('utf16le', 32)).toBe(`parent_linkage{${dataWriteId}}`);
});
