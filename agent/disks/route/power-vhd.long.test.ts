import { vhdShapeOf } from './testing/images';
import { powerLossTest, virtualSizeBytes } from './testing/power-loss';

describe('of a dynamic VHD', () => {
  powerLossTest({ format: 'vhd', shape: vhdShapeOf({ virtualSizeBytes }), operations: 40 });
});

describe('of a dynamic VHD that arrives as a VHDX', () => {
  powerLossTest({ format: 'vhd', copiedAs: 'vhdx', shape: vhdShapeOf({ virtualSizeBytes }), operations: 40 });
});

describe('of a fixed VHD, which takes fewest operations, having no tables', () => {
  powerLossTest({ format: 'vhd', shape: vhdShapeOf({ virtualSizeBytes, kind: 'fixed' }), operations: 12 });
});
