import { shapeOf } from './testing/images';
import { powerLossTest, virtualSizeBytes } from './testing/power-loss';

powerLossTest({ format: 'vhdx', shape: shapeOf({ virtualSizeBytes }), operations: 40 });
