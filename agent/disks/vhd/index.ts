export { relinkVhdParent } from './relink-parent';
export { resizeVhd } from './resize';
export { changeUniqueId } from './change-identity';
export { checkVhdShape, createVhd, type VhdCreateOptions } from './create';
export { defaultVhdBlockSizeBytes } from './layout';
export { openVhd, type VhdReadOptions, type VhdWriteOptions } from './open';
