/** Which versions of instances this app runs, and what becomes of the others (`extensions.durableTask` of host.json). */
export type VersionRules = {
  /** The app's own version; new instances get it unless they are given another. */
  readonly version: string | null;
  readonly match: 'None' | 'Strict' | 'CurrentOrOlder';
  /** Others wait for an app that runs them, or fail. */
  readonly failure: 'Reject' | 'Fail';
};

export type VersionMismatch = { readonly kind: 'reject' | 'fail'; readonly reason: string };

/** Why an instance of this version is not run here; undefined when it is (TaskOrchestrationDispatcher of DurableTask.Core). */
export function versionMismatch(version: string | null, rules: VersionRules): VersionMismatch | undefined {
  if (isMatch(version, rules)) return undefined;
  if (rules.failure === 'Fail') {
    return { kind: 'fail', reason: 'VersionMismatch: Orchestration version did not comply with Worker Versioning' };
  }
  const own = rules.version === null ? 'none' : `'${rules.version}'`;
  const its = version === null ? 'none' : `'${version}'`;
  return {
    kind: 'reject',
    reason: `its version is ${its}, the app's is ${own}, and versionMatchStrategy is ${rules.match}`,
  };
}

function isMatch(version: string | null, rules: VersionRules): boolean {
  switch (rules.match) {
    case 'None':
      return true;
    case 'Strict':
      return (version ?? '') === (rules.version ?? '');
    case 'CurrentOrOlder':
      return compareVersions(version ?? '', rules.version ?? '') <= 0;
  }
}

/** As VersioningSettings.CompareVersions: none is older than any; versions of numbers by their numbers, others as texts in any case. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a.trim(), b.trim()];
  if (left === '' || right === '') return Number(left !== '') - Number(right !== '');
  const [leftNumbers, rightNumbers] = [numbersOf(left), numbersOf(right)];
  if (leftNumbers !== undefined && rightNumbers !== undefined) return compareNumbers(leftNumbers, rightNumbers);
  const [leftText, rightText] = [left.toUpperCase(), right.toUpperCase()];
  return leftText < rightText ? -1 : leftText > rightText ? 1 : 0;
}

/** What System.Version can read: two to four numbers; one that is missing is older than a 0. */
function numbersOf(version: string): readonly number[] | undefined {
  return /^\d+(\.\d+){1,3}$/.test(version) ? version.split('.').map(Number) : undefined;
}

function compareNumbers(a: readonly number[], b: readonly number[]): number {
  for (let index = 0; index < Math.max(a.length, b.length); index += 1) {
    const difference = (a[index] ?? -1) - (b[index] ?? -1);
    if (difference !== 0) return Math.sign(difference);
  }
  return 0;
}
