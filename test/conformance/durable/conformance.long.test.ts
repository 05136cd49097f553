import { testCases } from './jest-suite';
import { hostTargets } from './targets/host-targets';

describe('on a host process with the SQLite store', () => {
  testCases('sqlite', () => hostTargets());
});
