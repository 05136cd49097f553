import { compareVersions, versionMismatch, type VersionRules } from './versions';

test.each([
  ['1.0.0', '1.0.0', 0],
  ['1.10', '1.9', 1],
  ['2.0', '10.0', -1],
  ['1.0', '1.0.0', -1],
  ['1', '1', 0],
  // One number is no System.Version: a text.
  ['2', '10', 1],
  ['', '1.0', -1],
  ['1.0', ' ', 1],
  ['', '', 0],
  ['v1-Beta', 'V1-beta', 0],
  ['beta', '1.0', 1],
] as const)('"%s" compared with "%s" gives %i', (a, b, expected) => {
  expect(compareVersions(a, b)).toBe(expected);
});

const rules = (match: VersionRules['match'], failure: VersionRules['failure'] = 'Reject'): VersionRules => ({
  version: '2.0',
  match,
  failure,
});

test('CurrentOrOlder runs what is not newer, Strict the same version alone, None all', () => {
  const runs = (version: string | null, match: VersionRules['match']): boolean =>
    versionMismatch(version, rules(match)) === undefined;
  expect(['1.9', '2.0', null, '2.1'].map((version) => runs(version, 'CurrentOrOlder'))).toEqual([
    true,
    true,
    true,
    false,
  ]);
  expect(['1.9', '2.0', null, '2.1'].map((version) => runs(version, 'Strict'))).toEqual([false, true, false, false]);
  expect(['1.9', '2.0', null, '2.1'].map((version) => runs(version, 'None'))).toEqual([true, true, true, true]);
});

test('a mismatch says both versions when the instance waits, and the words of DurableTask when it fails', () => {
  expect(versionMismatch('3.0', rules('CurrentOrOlder'))).toEqual({
    kind: 'reject',
    reason: "its version is '3.0', the app's is '2.0', and versionMatchStrategy is CurrentOrOlder",
  });
  expect(versionMismatch('3.0', rules('CurrentOrOlder', 'Fail'))).toEqual({
    kind: 'fail',
    reason: 'VersionMismatch: Orchestration version did not comply with Worker Versioning',
  });
});
