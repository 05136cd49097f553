import type { FactName, FactValues } from '../../activities/preflight/named-facts';
import { failureOf } from '../../contracts/failure';
import { runChecks } from '../../activities/preflight';
import { checks } from '../../activities/preflight/checks';
import { failureCodes } from '../../contracts/failure-codes';
import { inspection } from '../../contracts/inspection';
import { kinds } from '../../contracts/migration';
import {
  preflightAnswer,
  shownConcerns,
  type Concern,
  type PreflightAnswer,
  type Severity,
} from '../../contracts/preflight';
import { healthyInspection } from '../samples/inspections';
import { cases } from './cases';
import { canBeUnknown, situationOf, type Given } from './situations';

const checkOf = (id: string) => {
  const found = checks.find((one) => one.id === id);
  if (found === undefined) throw new Error(`there is no check ${id}`);
  return found;
};
const outcomeOf = (answer: PreflightAnswer, id: string) => answer.checks.find(({ checkId }) => checkId === id)?.outcome;
const concernOf = (answer: PreflightAnswer, id: string) => answer.concerns.find(({ checkId }) => checkId === id);
const oneLower: Record<Severity, Severity> = {
  critical: 'warning',
  warning: 'information',
  information: 'information',
};

test('the sample of a healthy host is what an agent may answer', () => {
  expect(inspection.parse(healthyInspection)).toEqual(healthyInspection);
});

test.each(kinds)('%s: where nothing is wrong there is no concern, and every check of the kind passes', (kind) => {
  const answer = runChecks(situationOf(kind));
  expect(answer).toMatchObject({ refusal: null, concerns: [] });
  const outcomes = new Set(answer.checks.map(({ outcome }) => outcome));
  expect(outcomes).toEqual(new Set(['passed', 'not-of-this-kind']));
});

test.each(cases.map((one) => [one.check, one.kind, one] as const))(
  '%s of %s finds what is wrong and names it, with the remedy',
  (id, kind, { request, given, says }) => {
    const definition = checkOf(id);
    const answer = runChecks(situationOf(kind, request, given));
    expect(outcomeOf(answer, id)).toBe('found');
    const concern = concernOf(answer, id);
    expect(concern).toMatchObject({ severity: definition.severity, outcome: 'found' });
    for (const text of says) expect(concern?.message).toContain(text);
    expect(concern?.remedy.length).toBeGreaterThan(15);
    expect(concern?.fields.map(({ name }) => name)).toEqual([...definition.looksAt]);
    expect(answer.refusal === null).toBe(
      definition.severity !== 'critical' && !answer.concerns.some((one) => one.severity === 'critical'),
    );
    expect(preflightAnswer.parse(answer)).toEqual(answer);
  },
);

const unknowns = cases.flatMap(({ check: id, kind, request }) =>
  checkOf(id)
    .looksAt.filter(canBeUnknown)
    .map((fact) => [id, kind, fact, request] as const),
);

test.each(unknowns)('%s of %s says so when %s is not known, and never passes', (id, kind, fact, request) => {
  const answer = runChecks(situationOf(kind, request, {}, [fact]));
  expect(outcomeOf(answer, id)).toBe('not-known');
  const concern = concernOf(answer, id);
  expect(concern).toMatchObject({ outcome: 'not-known', severity: oneLower[checkOf(id).severity] });
  expect(concern?.message).toContain(fact);
  expect(answer.refusal === null || id === 'host-same').toBe(true);
});

test('every check has an id of its own, a case that it finds, a known code, and a source', () => {
  const ids = checks.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids.filter((id) => !cases.some((one) => one.check === id))).toEqual([]);
  for (const one of checks) {
    expect(failureCodes).toHaveProperty(one.code);
    expect(one.source.length).toBeGreaterThan(10);
    expect(one.kinds.length).toBeGreaterThan(0);
  }
});

test('a check that another finding keeps from looking is skipped, and that finding refuses the run', () => {
  const blind = cases.filter(({ check: id }) =>
    ['source-answers', 'destination-answers', 'vm-exists', 'path-allowed', 'import-complete'].includes(id),
  );
  for (const { kind, request, given } of blind) {
    const answer = runChecks(situationOf(kind, request, given));
    expect(answer.refusal).not.toBeNull();
    expect(answer.checks.some(({ outcome }) => outcome === 'skipped')).toBe(true);
    expect(answer.concerns.some(({ outcome }) => outcome === 'not-known')).toBe(false);
  }
});

test('a refusal passes by itself only where all that is critical may', () => {
  const busy = { 'vm.marks': { reservedBy: 'm9-r1', fencedBy: null, retiredBy: null } };
  expect(runChecks(situationOf('lan', {}, busy)).refusal).toMatchObject({ code: 'VmBusy', retry: 'transient' });
  const both = runChecks(situationOf('lan', {}, { ...busy, 'vm.isReplicated': true }));
  expect(both.refusal).toMatchObject({ code: 'VmBusy', retry: 'permanent', effect: 'none' });
  expect(both.refusal?.remedy).toContain('1 more');
});

test('a folder to import that could not be looked at for now is looked at again; one that is not whole is not', () => {
  const refused = (code: 'HyperVSilent' | 'NotFound') =>
    runChecks(situationOf('import', {}, { 'import.refusal': failureOf(code, { message: 'not read' }) })).refusal;
  expect(refused('HyperVSilent')).toMatchObject({ code: 'HyperVSilent', retry: 'transient' });
  expect(refused('NotFound')).toMatchObject({ code: 'NotFound', retry: 'permanent' });
});

test('the gravest concerns come first', () => {
  const given = { 'vm.heartbeat': 'lost', 'vm.isReplicated': true, 'vm.automaticStart': 'start' } as const;
  const { concerns } = runChecks(situationOf('lan', {}, given));
  expect(concerns.map(({ severity }) => severity)).toEqual(['critical', 'warning', 'information']);
});

const reached: FactValues['source.storage'] = {
  endpoint: 'https://a.blob.example',
  meets: 'admitted',
  told: '404 ContainerNotFound',
  appAheadMs: 0,
};
const bothReach = { 'source.storage': reached, 'destination.storage': reached };

test('hosts are asked about storage where the route is staged, and both must reach it', () => {
  const ids = ['source-reaches-storage', 'destination-reaches-storage'];
  const outcomesOf = (request: object, given: Given) => {
    const answer = runChecks(situationOf('lan', request, given));
    return ids.map((id) => outcomeOf(answer, id));
  };
  expect(outcomesOf({ route: 'staged' }, bothReach)).toEqual(['passed', 'passed']);
  expect(outcomesOf({ route: 'direct' }, {})).toEqual(['not-of-this-kind', 'not-of-this-kind']);
  const silent = { ...bothReach, 'destination.storage': { ...reached, meets: 'silent' as const } };
  expect(outcomesOf({ route: 'staged' }, silent)).toEqual(['passed', 'found']);
  const onOneHost = runChecks(situationOf('quick-storage', { route: 'staged', destinationHost: 'hv-a' }, silent));
  expect(ids.map((id) => outcomeOf(onOneHost, id))).toEqual(['found', 'not-of-this-kind']);
});

test.each([
  ['silent', 'StorageUnavailable', 'transient'],
  ['storage-failing', 'StorageUnavailable', 'transient'],
  ['name-not-resolved', 'StorageUnavailable', 'permanent'],
  ['answered-on-the-way', 'StorageUnavailable', 'permanent'],
  ['network-refused', 'StagingAccessEnded', 'permanent'],
  ['access-refused', 'StagingAccessEnded', 'permanent'],
] as const)('a host that meets storage as %s is refused with %s, %s', (meets, code, retry) => {
  const given = { ...bothReach, 'source.storage': { ...reached, meets } };
  expect(runChecks(situationOf('warm', { route: 'staged' }, given)).refusal).toMatchObject({ code, retry });
});

test.each([
  ['access-refused', -3_700_000, '3700 s behind', 'role'],
  ['network-refused', 1_000_000, '1000 s ahead of', 'networking rules'],
] as const)(
  '%s, with a clock of the app that is %d ms ahead, is laid to that clock',
  (meets, appAheadMs, says, otherwise) => {
    const refused = { ...reached, meets, appAheadMs };
    const answer = runChecks(situationOf('lan', { route: 'staged' }, { ...bothReach, 'source.storage': refused }));
    const concern = concernOf(answer, 'source-reaches-storage');
    expect(concern?.message).toContain(says);
    expect(concern?.remedy).toContain('clock');
    const right = { ...refused, appAheadMs: 1000 };
    const other = runChecks(situationOf('lan', { route: 'staged' }, { ...bothReach, 'source.storage': right }));
    expect(concernOf(other, 'source-reaches-storage')?.remedy).toContain(otherwise);
  },
);

test('where the app can give no access, that is told once, and of the hosts nothing', () => {
  const refusal = failureOf('StorageUnavailable', { message: 'no delegation key' });
  const answer = runChecks(situationOf('lan', { route: 'staged' }, { 'storage.refusal': refusal }));
  expect(answer.concerns.map(({ checkId }) => checkId)).toEqual(['storage-access']);
  expect(outcomeOf(answer, 'source-reaches-storage')).toBe('skipped');
  expect(answer.refusal).toMatchObject({ code: 'StorageUnavailable', retry: 'transient' });
});

test('a host is the same whichever case its name is written in', () => {
  const inCapitals = { 'vm.role': { clusterName: 'c1', owner: 'HV-A' } };
  expect(runChecks(situationOf('live', {}, inCapitals)).refusal).toBeNull();
  const lun = { name: 'lun-7', host: 'HV-A', reservedBy: null };
  expect(runChecks(situationOf('san', {}, { 'source.luns': [lun] })).refusal).toBeNull();
  expect(runChecks(situationOf('san', {}, { 'source.luns': [{ ...lun, host: null }] })).refusal).toMatchObject({
    code: 'LunBusy',
  });
});

test('of a fact that is not known a critical check says that it refuses nothing, and a lesser one does not', () => {
  const saidBy = (id: string, fact: FactName) =>
    concernOf(runChecks(situationOf('lan', {}, {}, [fact])), id)?.message ?? '';
  expect(saidBy('vm-state', 'vm.state')).toContain('would refuse the run; not known, it does not');
  expect(saidBy('vm-name', 'vm.name')).not.toContain('refuse');
});

test('a VM that is off may go to a processor of another maker, and so may one that is shut down', () => {
  const amd = { 'destination.processor': { maker: 'AuthenticAMD', features: [], vectors: [] } };
  expect(runChecks(situationOf('lan', {}, { ...amd, 'vm.state': 'off' })).refusal).toBeNull();
  expect(runChecks(situationOf('lan', { policy: { stop: 'shut-down' } }, amd)).refusal).toBeNull();
});

test('a retired source at the destination is no obstacle for the kinds of the byte route', () => {
  const given = { 'there.registered': { vmName: 'web01', isRetired: true } };
  for (const kind of ['lan', 'quick-storage', 'warm'] as const)
    expect(runChecks(situationOf(kind, {}, given)).refusal).toBeNull();
});

test('a move of the files on one host asks nothing of another', () => {
  const given = { 'destination.memory': { totalBytes: 1, freeBytes: 0 } };
  const answer = runChecks(situationOf('quick-storage', { destinationHost: 'hv-a' }, given));
  expect(answer.refusal).toBeNull();
});

test('a clock that is asked over a slow way is not called wrong for that', () => {
  const slow = situationOf('lan', {}, { 'source.clock': { aheadMs: 90_000, uncertainMs: 0 } });
  const asked = { ...slow.source, askedAtMs: -60_000, answeredAtMs: 60_000 };
  expect(outcomeOf(runChecks({ ...slow, source: asked }), 'clock-drift')).toBe('passed');
});

test('a status shows as many concerns as have room in it, and counts the rest', () => {
  const message = 'm'.repeat(400);
  const one: Concern = { checkId: 'x', severity: 'warning', outcome: 'found', fields: [], message, remedy: 'r' };
  const shown = shownConcerns(Array.from({ length: 20 }, () => one));
  expect(JSON.stringify(shown.concerns).length).toBeLessThanOrEqual(3100);
  expect(shown.concerns.length + shown.concernsLeftOut).toBe(20);
});
