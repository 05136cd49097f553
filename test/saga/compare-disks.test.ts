import { diskId } from '../../contracts/ids';
import type { OperationOutput } from '../../contracts/operations';
import { compareDigests } from '../../functions/orchestrators/disks';

const [one, other] = ['1'.repeat(64), '2'.repeat(64)];
type Disks = OperationOutput<'digest-disks'>['disks'];
const rooted = (merkleRoot: string, name = 'scsi-0-0'): Disks[number] => ({
  diskId: diskId.parse(name),
  merkleRoot,
  bytesRead: 1,
});
const digested = (digest: string): Disks[number] => ({ diskId: diskId.parse('scsi-0-0'), digest, bytesRead: 1 });

const different: [string, Disks, Disks, RegExp][] = [
  ['another root', [rooted(one)], [rooted(other)], /at the destination \(2{64}\) than at the source \(1{64}\)/],
  ['another digest, of agents of earlier versions', [digested(one)], [digested(other)], /other data from scsi-0-0/],
  ['no such disk', [rooted(one)], [], /no such disk/],
  ['one disk more', [rooted(one)], [rooted(one), rooted(one, 'scsi-0-1')], /has 2 disks, the source 1/],
  ['an agent of another version at the source', [digested(one)], [rooted(one)], /of versions that tell it differently/],
  ['an agent of another version at the destination', [rooted(one)], [digested(one)], /that tell it differently/],
];

test.each(different)('%s is a mismatch', (_, source, destination, message) => {
  const compared = compareDigests(source, destination);
  expect(compared).toMatchObject({ ok: false, failure: { code: 'DigestMismatch' } });
  expect(compared.ok ? '' : compared.failure.message).toMatch(message);
});

test('the same at both ends is what the destination told, also where agents of earlier versions did', () => {
  for (const disk of [rooted(one), digested(one)])
    expect(compareDigests([disk], [{ ...disk, bytesRead: 5 }])).toMatchObject({ ok: true, value: [{ bytesRead: 5 }] });
});
