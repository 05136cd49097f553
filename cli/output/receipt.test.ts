import { acceptedRequest, type Kind } from '../../contracts/migration';
import { copiedByHost, receipt, type Told } from '../../contracts/receipt';
import { sampleReceipt, sampleRole } from '../testing/samples';
import { receiptLines } from './receipt';

const mib = 1024 ** 2;
const [vm, other] = ['11111111-2222-4333-8444-555555555555', '99999999-2222-4333-8444-555555555555'];
const folder = { destinationFolder: '/vms' };
const toB = { destinationHost: 'host-b' };
const byHypervisor = (copiedBytes: number): Told['carried'] => ({
  by: 'hypervisor',
  memoryBytes: 66 * mib,
  copiedBytes,
  mirroredBytes: mib,
});

function linesOf(kind: Kind, fields: object, carried: Told['carried'], more: object = {}): string {
  const request = acceptedRequest.parse({ id: 'm1', kind, vmId: vm, sourceHost: 'host-a', ...fields });
  return receiptLines(sampleReceipt({ request, files: [], carried, ...more })).join('\n');
}

const cases: [Kind, object, Told['carried'], string[]][] = [
  [
    'live',
    toB,
    byHypervisor(0),
    [`moved:  VM ${vm}, live, host-a -> host-b`, 'by the hypervisor: 66.0 MiB of memory\n'],
  ],
  [
    'storage',
    folder,
    byHypervisor(64 * mib),
    ['storage, on host-a', '64.0 MiB of disks, 1.0 MiB written to both sides'],
  ],
  ['shared-nothing', { ...toB, ...folder }, null, ['by the hypervisor; not measured']],
  ['quick', toB, null, ['nothing: its files are on the shared volume']],
  ['san', toB, null, ['nothing: its files went over with the LUN']],
  ['export', folder, copiedByHost(96 * mib), [`exported: VM ${vm}, whole, on host-a`, 'written:  96.0 MiB']],
  [
    'import',
    { ...folder, sourceFolder: '/exports/web', newVmId: other },
    copiedByHost(96 * mib),
    [`imported: VM ${other}, on host-a`, `from:     /exports/web, VM ${vm}`, 'copied:   96.0 MiB'],
  ],
  ['import', { sourceFolder: '/exports/web' }, null, [`imported: VM ${vm}`, 'nothing: its files are used in place']],
];

test.each(cases)('a receipt of %s says what happened: %j', (kind, fields, carried, texts) => {
  const lines = linesOf(kind, fields, carried);
  for (const text of texts) expect(lines).toContain(text);
  if (kind === 'import') expect(lines).not.toContain('outage:');
});

test('what became of a role is told, and nothing where the request said nothing of it', () => {
  const removed = { clusterName: 'c1', settings: sampleRole };
  const made = { clusterName: 'c2', name: 'web', without: ['preferredOwners'] };
  const role = (told: Told['role']): string =>
    linesOf('lan', { ...toB, ...folder, role: 'make' }, null, { role: told })
      .split('\n')
      .filter((line) => /^ +role:/.test(line))
      .join();
  expect(role(undefined)).toBe('');
  expect(role({ removed, restored: false, made })).toContain(
    '"SCVMM web01 Resources" was removed from cluster c1; "web" was made in cluster c2, without its preferredOwners',
  );
  expect(role({ removed, restored: true, made: null })).toContain('and is there again as it was');
  expect(role({ removed, restored: false, made: null })).toContain('and is in no cluster');
  expect(role({ removed: null, restored: false, made: null })).toContain('the VM was none');
});

test('one pass is one pass', () => {
  const round = { round: 0, changedBytes: mib, sentBytes: mib, tookMs: 9, whole: true };
  const predicted = { predictedOutageMs: 2000, rounds: [round] };
  expect(linesOf('warm', { ...toB, ...folder }, null, predicted)).toContain('predicted after 1 pass\n');
});

test('what came of a seed, and what packing kept off the line, is told where there was any', () => {
  const file = {
    name: 'scsi-0-0_0',
    digest: 'ab'.repeat(32),
    dataBytes: 6 * mib,
    sentBytes: 8 * mib,
    resentBytes: 2 * mib,
  };
  const seeded = { ...file, zeroBytes: 0, seedBytes: 594 * mib, savedBytes: 5 * mib };
  const unseeded = {
    ...file,
    name: 'scsi-0-1_0',
    zeroBytes: 0,
    seedProblem: 'the seed /old.vhdx ends before offset 5',
  };
  const lines = linesOf('lan', { ...toB, ...folder }, null, { files: [seeded, unseeded] });
  expect(lines).toContain(
    '16.0 MiB, packed to 11.0 MiB, of which 4.0 MiB a second time after faults; 594 MiB were in seeds',
  );
  expect(lines).toMatch(/FROM SEED/);
  expect(lines).toContain(
    'scsi-0-1_0: the seed was of no use, or not to the end: the seed /old.vhdx ends before offset 5',
  );
  const plain = linesOf('lan', { ...toB, ...folder }, null, { files: [{ ...file, zeroBytes: 0 }] });
  expect(plain).not.toMatch(/FROM SEED|packed|seeds/);
});

test('a disk that was compared is told with its Merkle root, in a receipt of earlier versions with its digest', () => {
  const compared = { diskId: 'scsi-0-0', bytesRead: 32 * mib };
  const verified = [
    { ...compared, merkleRoot: 'cd'.repeat(32) },
    { ...compared, diskId: 'scsi-0-1', digest: 'ef'.repeat(32) },
  ];
  const lines = linesOf('lan', { ...toB, ...folder }, null, { verified });
  expect(lines).toContain(`scsi-0-0: equal at both hosts, 32.0 MiB read at each, Merkle root ${'cd'.repeat(8)}`);
  expect(lines).toContain(`scsi-0-1: equal at both hosts, 32.0 MiB read at each, BLAKE3 ${'ef'.repeat(8)}`);
  expect(receipt.safeParse(sampleReceipt({ verified })).success).toBe(true);
});
