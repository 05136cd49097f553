import { fieldIssues } from '../../contracts/issues';
import { itineraryVersions, kinds, migrationRequest, runInput } from '../../contracts/migration';
import { itineraries, itineraryOf } from '../../functions/orchestrators/kinds';

const quickStorage = {
  id: 'm1',
  kind: 'quick-storage',
  vmId: '11111111-2222-3333-4444-555555555555',
  sourceHost: 'hv-a',
  destinationHost: 'hv-b',
  destinationFolder: '/vms',
};

const issuesOf = (document: unknown) => {
  const parsed = migrationRequest.safeParse(document);
  return parsed.success ? [] : fieldIssues(parsed.error);
};

test('a field that a kind does not know is refused by its own name', () => {
  expect(issuesOf(quickStorage)).toEqual([]);
  expect(issuesOf({ ...quickStorage, clusterName: 'c1', policy: { speed: 3 } })).toEqual([
    { path: ['policy', 'speed'], message: '"quick-storage" takes no speed; leave it out' },
    { path: ['clusterName'], message: '"quick-storage" takes no clusterName; leave it out' },
  ]);
});

test('the staged route is taken by the kinds that copy over the byte route, and refused by every other with the reason', () => {
  for (const kind of kinds) {
    const issues = issuesOf({ ...quickStorage, kind, route: 'staged' }).filter(({ path }) => path[0] === 'route');
    const copies = kind === 'lan' || kind === 'quick-storage' || kind === 'warm';
    expect(issues).toHaveLength(copies ? 0 : 1);
    if (!copies) expect(issues[0]?.message).toMatch(/^".*" takes no .*route \(no byte route is used\); leave it out$/);
  }
});

test('seeds are refused with the staged route, which has no use for them', () => {
  const seeds = [{ diskId: 'scsi-0-0', path: '/replicas/app.vhdx' }];
  expect(issuesOf({ ...quickStorage, seeds })).toEqual([]);
  expect(issuesOf({ ...quickStorage, seeds, route: 'staged' }).map(({ path }) => path)).toEqual([['seeds']]);
});

test('what becomes of a role is asked of moves to another host that take the VM off its cluster, and of no other', () => {
  const issuesOfRole = (more: object) =>
    issuesOf({ ...quickStorage, role: 'make', ...more }).filter((issue) => issue.path[0] === 'role');
  const takers = ['quick-storage', 'shared-nothing', 'warm', 'lan'];
  for (const kind of kinds)
    expect([kind, issuesOfRole({ kind }).length]).toEqual([kind, takers.includes(kind) ? 0 : 1]);
  expect(issuesOfRole({ kind: 'live' })[0]?.message).toContain('its role goes along');
  expect(issuesOfRole({ destinationHost: 'hv-a' })[0]?.message).toContain('stays on its host');
  expect(issuesOfRole({ role: 'keep' })).toHaveLength(1);
});

test('an unknown kind is refused at the field "kind"', () => {
  expect(issuesOf({ ...quickStorage, kind: 'teleport' }).map(({ path }) => path)).toEqual([['kind']]);
});

test('new runs of every kind begin with the version that the contracts name', () => {
  expect(itineraries.map(({ kind, version }) => ({ kind, version }))).toEqual(
    kinds.map((kind) => ({ kind, version: itineraryVersions[kind] })),
  );
});

test('a run of a version that this app does not have is not run by another one', () => {
  const input = runInput.parse({
    contract: 1,
    itineraryVersion: 99,
    runId: 'm1-r1',
    request: quickStorage,
    pace: { lookMsMin: 1, lookMsMax: 1, silenceMsMax: 1 },
  });
  expect(() => itineraryOf(input)).toThrow('no version 99 of quick-storage');
});

test('disks are converted by kinds under which the guest can be shut down, and into VHDX alone; others say why not', () => {
  for (const kind of ['warm', 'lan']) expect(issuesOf({ ...quickStorage, kind, convertTo: 'vhdx' })).toEqual([]);
  expect(issuesOf({ ...quickStorage, kind: 'lan', convertTo: 'vhd' }).map(({ path }) => path)).toEqual([['convertTo']]);
  const why = (kind: string) => issuesOf({ ...quickStorage, kind, convertTo: 'vhdx' }).map(({ message }) => message);
  expect(why('quick-storage')).toEqual([
    '"quick-storage" takes no convertTo (the VM arrives with its memory, and its guest knows the disks as they are); leave it out',
  ]);
  expect(why('shared-nothing')).toEqual([
    '"shared-nothing" takes no convertTo (the disks move as they are); leave it out',
  ]);
});

const oneSeed = { diskId: 'scsi-0-0', path: '/vms/old.vhdx' };

test('seeds are named by the kinds of the byte route, once a disk; others say why they take none', () => {
  for (const kind of ['quick-storage', 'warm', 'lan'])
    expect(issuesOf({ ...quickStorage, kind, seeds: [oneSeed] })).toEqual([]);
  expect(issuesOf({ ...quickStorage, kind: 'shared-nothing', seeds: [oneSeed] })).toEqual([
    { path: ['seeds'], message: '"shared-nothing" takes no seeds (no byte route is used); leave it out' },
  ]);
  expect(issuesOf({ ...quickStorage, seeds: [oneSeed, { ...oneSeed, path: '/vms/other.vhdx' }] })).toEqual([
    { path: ['seeds'], message: 'a disk has one seed; name each disk once' },
  ]);
  expect(issuesOf({ ...quickStorage, seeds: [{ ...oneSeed, path: '' }] }).map(({ path }) => path)).toEqual([
    ['seeds', 0, 'path'],
  ]);
});

test('a request of before there were seeds is what it was', () => {
  expect(migrationRequest.parse(quickStorage)).not.toHaveProperty('seeds');
});

const importing = {
  kind: 'import',
  vmId: quickStorage.vmId,
  sourceHost: 'hv-a',
  sourceFolder: '/exports/web',
  destinationSwitch: 'lab',
};

test('an import makes a private or internal switch of the name that it is mapped to', () => {
  for (const makeSwitch of ['private', 'internal']) expect(issuesOf({ ...importing, makeSwitch })).toEqual([]);
  expect(migrationRequest.parse(importing)).not.toHaveProperty('makeSwitch');
});

test.each([
  [
    'an external one',
    { makeSwitch: 'external' },
    /^"external" is no type .* use private or internal, .*adapter from the host/,
  ],
  [
    'no name',
    { makeSwitch: 'private', destinationSwitch: null },
    /^it is private .*name it in destinationSwitch, or leave makeSwitch out$/,
  ],
  [
    'a pattern',
    { makeSwitch: 'private', destinationSwitch: 'lab*' },
    /^"lab\*" is no name .*use a name without control characters .*or leave makeSwitch out$/,
  ],
  ['a line', { makeSwitch: 'internal', destinationSwitch: 'lab\n' }, /^"lab\\n" is no name /],
  ['a space', { makeSwitch: 'internal', destinationSwitch: ' lab' }, /no space at an end/],
  ['nothing', { makeSwitch: 'internal', destinationSwitch: '' }, /^"" is no name /],
])('a switch to be made that is or has %s is refused by name, with the value and what to do', (_what, more, says) => {
  expect(issuesOf({ ...importing, ...more })).toEqual([
    { path: ['makeSwitch'], message: expect.stringMatching(says) as string },
  ]);
});

test('other kinds make no switch, and say that an import alone does', () => {
  expect(issuesOf({ ...quickStorage, destinationSwitch: 'lab', makeSwitch: 'private' })).toEqual([
    {
      path: ['makeSwitch'],
      message: '"quick-storage" takes no makeSwitch (an import alone makes a switch); leave it out',
    },
  ]);
});
