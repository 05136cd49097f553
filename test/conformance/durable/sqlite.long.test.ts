import { testCases } from './jest-suite';
import { hostTargets } from './targets/host-targets';

describe('on the SQLite store, in a host process or with virtual time', () => {
  testCases('sqlite', () => hostTargets(1));
});
