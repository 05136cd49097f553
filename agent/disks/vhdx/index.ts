export { resizeVhdx } from './resize';
export { changeDataWriteId } from './change-identity';
export { createVhdx, type VhdxCreateOptions } from './create';
export { defaultBlockSizeBytes, defaultDifferencingBlockSizeBytes } from './layout';
export { openVhdx, type VhdxReadOptions, type VhdxWriteOptions } from './open';
