import { NaiveVhd } from '../testing/naive-vhd';
import { powerLossTests, type Case } from '../testing/power-loss';

const cases = (['dynamic', 'differencing', 'fixed'] as const).map((kind): Case => ({
  format: 'vhd',
  kind,
  sectorBytes: 512,
  tables: 'ordered',
}));

describe.each(cases)('$kind', (one) => {
  powerLossTests(one, (file) => new NaiveVhd(file));
});
