import { createHash, randomBytes } from 'node:crypto';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createImage } from '../../agent/disks/open-image';
import { newGuid, nowMs, shapeOf, well, writeOptions } from '../../agent/disks/testing/disks';
import { receiptKeyOf } from '../../relay/receipt-signature';
import { exitCodes } from '../exit';
import { runInProcess } from '../testing/in-process';
import { mib, sampleReceipt, sampleSigningKey } from '../testing/samples';

// What an administrator can show with a receipt long after its run: that a disk is the one that was moved, where it is not, and one chunk of it.

const folder = mkdtempSync(join(tmpdir(), 'hyperferry-evidence-'));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string): string => join(folder, name);
const key = receiptKeyOf(sampleSigningKey).publicKeyBase64;
const verify = (...more: string[]) => runInProcess(['receipt', 'verify', at('r.json'), '--public-key', key, ...more]);
const disk = (...args: string[]) => runInProcess(['disk', ...args]);

async function makeDisk(name: string, format: 'vhd' | 'vhdx', writes: readonly [number, Buffer][]): Promise<void> {
  const id = newGuid();
  const shape = shapeOf({ virtualSizeBytes: 40 * mib, dataWriteId: id, virtualDiskId: id });
  const image = well(await createImage(format, at(name), shape, { ...writeOptions(), nowMs }));
  for (const [offset, bytes] of writes) await image.write(bytes, offset);
  await image.close();
}

function writeReceipt(merkleRoot: string, verifyPolicy: 'all' | 'changed' = 'all'): void {
  const { request } = sampleReceipt();
  const verified = [{ diskId: 'scsi-0-0', merkleRoot, bytesRead: 3 * mib }];
  const policy = { ...request.policy, verify: verifyPolicy };
  const receipt = sampleReceipt({ request: { ...request, policy }, verified });
  writeFileSync(at('r.json'), JSON.stringify(receipt));
}

const content: [number, Buffer][] = [
  [0, randomBytes(mib)],
  [17 * mib + 512, randomBytes(4096)],
  [39 * mib, randomBytes(512)],
];

beforeAll(async () => {
  await makeDisk('moved.vhdx', 'vhdx', content);
  await makeDisk('converted.vhd', 'vhd', content);
  await makeDisk('written.vhdx', 'vhdx', [...content, [17 * mib, randomBytes(512)], [30 * mib, randomBytes(512)]]);
  const digested = await disk('digest', at('moved.vhdx'), '--chunks', at('moved.chunks'));
  expect(digested).toMatchObject({ code: 0 });
  writeReceipt(digested.stdout.trim());
});

test('a disk is the one that was moved, whatever its format, until a byte of it is written', async () => {
  for (const name of ['moved.vhdx', 'converted.vhd']) {
    const run = await verify('--disk', `scsi-0-0=${at(name)}`);
    expect(run).toMatchObject({ code: 0 });
    expect(run.stdout).toContain('all 40.0 MiB of it: as on the disk that was moved');
  }
  const written = await verify('--disk', `scsi-0-0=${at('written.vhdx')}`, '--json');
  expect(written).toMatchObject({ code: exitCodes.different.code });
  expect(written.stderr).toContain('name the last file of its chain');
  expect(JSON.parse(written.stdout)).toMatchObject({ genuine: true, evidence: [{ kind: 'disk', matches: false }] });
});

test('a chunk list that the receipt vouches for says where a disk was written since', async () => {
  expect(await verify('--chunks', `scsi-0-0=${at('moved.chunks')}`)).toMatchObject({ code: 0 });
  const changes = await disk('changes', at('written.vhdx'), at('moved.chunks'), '--json');
  expect(changes).toMatchObject({ code: exitCodes.different.code });
  expect(
    changes.stdout
      .trim()
      .split('\n')
      .map((line): unknown => JSON.parse(line)),
  ).toEqual([
    { offsetBytes: 17 * mib, lengthBytes: mib },
    { offsetBytes: 30 * mib, lengthBytes: mib },
  ]);
  expect(await disk('changes', at('converted.vhd'), at('moved.chunks'))).toMatchObject({ code: 0 });
  await disk('digest', at('written.vhdx'), '--chunks', at('written.chunks'));
  const other = await verify('--chunks', `scsi-0-0=${at('written.chunks')}`);
  expect(other).toMatchObject({ code: exitCodes.different.code });
});

test('one chunk is proven without the disk, also with the list in place of the rest of the disk', async () => {
  for (const more of [[], ['--chunks', at('moved.chunks')]]) {
    for (const offset of ['17MiB', '5MiB', String(39 * mib + 700)]) {
      const proof = await disk('prove', at('moved.vhdx'), offset, ...more);
      expect(proof).toMatchObject({ code: 0 });
      writeFileSync(at('p.json'), proof.stdout);
      expect(await verify('--proof', `scsi-0-0=${at('p.json')}`)).toMatchObject({ code: 0 });
    }
  }
  const { bytesBase64, ...rest } = JSON.parse(readFileSync(at('p.json'), 'utf8')) as { bytesBase64: string };
  const bytes = Buffer.from(bytesBase64, 'base64');
  expect(bytes.subarray(0, 512)).toEqual(content[2]?.[1]);
  bytes.writeUInt8(bytes.readUInt8(9) ^ 1, 9);
  writeFileSync(at('forged.json'), JSON.stringify({ ...rest, bytesBase64: bytes.toString('base64') }));
  const forged = await verify('--proof', `scsi-0-0=${at('forged.json')}`);
  expect(forged).toMatchObject({ code: exitCodes.different.code });
  expect(forged.stdout).toContain('at offset 40894464: NOT as on the disk that was moved');
});

test('a list takes the place of a list alone: no disk is lost to a wrong name, be it the one that is read', async () => {
  writeFileSync(at('empty'), '');
  copyFileSync(at('moved.chunks'), at('older.chunks'));
  for (const name of ['empty', 'older.chunks'])
    expect(await disk('digest', at('moved.vhdx'), '--chunks', at(name))).toMatchObject({ code: 0 });
  expect(readFileSync(at('empty'))).toEqual(readFileSync(at('moved.chunks')));
  copyFileSync(at('converted.vhd'), at('raw.img.new'));
  for (const [listName, occupied] of [
    ['moved.vhdx', 'moved.vhdx'],
    ['converted.vhd', 'converted.vhd'],
    ['raw.img', 'raw.img.new'],
  ] as const) {
    const before = readFileSync(at(occupied));
    const run = await disk('digest', at('moved.vhdx'), '--chunks', at(listName));
    expect(run).toMatchObject({ code: exitCodes.refused.code, stdout: '' });
    expect(run.stderr).toContain(`${at(occupied)} is there and is no chunk list`);
    expect(run.stderr).toContain('field:  --chunks');
    expect(readFileSync(at(occupied)).equals(before)).toBe(true);
  }
  expect(await disk('digest', at('moved.vhdx'), '--chunks', folder)).toMatchObject({ code: exitCodes.refused.code });
});

test('where a disk was written is told from a list that is whole, or not at all', async () => {
  writeFileSync(at('torn.chunks'), readFileSync(at('moved.chunks')).subarray(0, -82));
  const torn = await disk('changes', at('written.vhdx'), at('torn.chunks'), '--json');
  expect(torn).toMatchObject({ code: exitCodes.badInput.code, stdout: '' });
  expect(JSON.parse(torn.stderr)).toMatchObject({ error: { field: 'LIST', value: at('torn.chunks') } });
});

test('nothing is read before it is known of all files what they are to be', async () => {
  const missing = `scsi-0-0=${at('missing.vhdx')}`;
  for (const [args, field] of [
    [['--disk', missing, '--chunks', at('moved.chunks')], '--chunks'],
    [['--disk', missing, '--proof', `scsi-0-9=${at('p.json')}`], '--proof'],
  ] as const) {
    const run = await verify(...args);
    expect(run).toMatchObject({ code: exitCodes.badInput.code });
    expect(run.stderr).toContain(`field:  ${field}`);
  }
});

test('a raw disk whose name does not say what it is is held against a receipt with --raw', async () => {
  expect(await disk('convert', at('moved.vhdx'), at('moved.raw'))).toMatchObject({ code: 0 });
  copyFileSync(at('moved.raw'), at('moved'));
  expect(await verify('--disk', `scsi-0-0=${at('moved')}`)).toMatchObject({ code: exitCodes.damaged.code });
  expect(await verify('--disk', `scsi-0-0=${at('moved')}`, '--raw')).toMatchObject({ code: 0 });
});

test('a proof whose parts do not go together is bad input, and no word about a disk', async () => {
  const made = await disk('prove', at('moved.vhdx'), '17MiB', '--chunks', at('moved.chunks'));
  const proof = JSON.parse(made.stdout) as { beside: string[]; bytesBase64: string };
  const [beside, bytesBase64] = [proof.beside.slice(1), proof.bytesBase64.slice(4)];
  for (const change of [{ beside }, { bytesBase64 }, { offsetBytes: 40 * mib }, { virtualSizeBytes: 4 * mib }]) {
    writeFileSync(at('odd.json'), JSON.stringify({ ...proof, ...change }));
    const run = await verify('--proof', `scsi-0-0=${at('odd.json')}`);
    expect(run).toMatchObject({ code: exitCodes.badInput.code, stdout: '' });
    expect(run.stderr).toContain('is no proof');
  }
});

test('a chunk that is not as the list has it is not proven', async () => {
  const proof = await disk('prove', at('written.vhdx'), '17MiB', '--chunks', at('moved.chunks'));
  expect(proof).toMatchObject({ code: exitCodes.damaged.code, stdout: '' });
  expect(proof.stderr).toContain('is not as the chunk list has it');
});

test('a receipt that says nothing of the whole disk is not held against one', async () => {
  const before = readFileSync(at('r.json'));
  writeReceipt(createHash('sha256').digest('hex'), 'changed');
  const changed = await verify('--disk', `scsi-0-0=${at('moved.vhdx')}`);
  expect(changed).toMatchObject({ code: exitCodes.refused.code });
  expect(changed.stderr).toContain('verify: all');
  const verified = [{ diskId: 'scsi-0-0', digest: 'ab'.repeat(32), bytesRead: 3 * mib }];
  const { request } = sampleReceipt();
  const ofBefore = sampleReceipt({ request: { ...request, policy: { ...request.policy, verify: 'all' } }, verified });
  writeFileSync(at('r.json'), JSON.stringify(ofBefore));
  const early = await verify('--disk', `scsi-0-0=${at('moved.vhdx')}`);
  expect(early).toMatchObject({ code: exitCodes.refused.code });
  expect(early.stderr).toContain('a version that told a digest of another kind');
  writeFileSync(at('r.json'), before);
});

const refused: [string, string[], string][] = [
  ['no such disk', ['--disk', `scsi-0-9=${at('moved.vhdx')}`], 'Name one of: scsi-0-0'],
  ['no disk named', ['--disk', at('moved.vhdx')], 'scsi-0-0=web01.vhdx'],
  ['no proof', ['--proof', `scsi-0-0=${at('r.json')}`], 'field:  --proof'],
  ['no list', ['--chunks', `scsi-0-0=${at('r.json')}`], 'no whole chunk list'],
  ['no list, by the name of the option', ['--chunks', `scsi-0-0=${at('r.json')}`], 'field:  --chunks'],
];

test.each(refused)('%s is bad input, and says what to write', async (_, args, text) => {
  const run = await verify(...args);
  expect(run).toMatchObject({ code: exitCodes.badInput.code });
  expect(run.stderr).toContain(text);
});

test('an offset behind the end and a list of a disk of another size are bad input', async () => {
  const behind = await disk('prove', at('moved.vhdx'), '40MiB');
  expect(behind).toMatchObject({ code: exitCodes.badInput.code });
  expect(behind.stderr).toContain('below 41943040');
  copyFileSync(at('moved.vhdx'), at('grown.vhdx'));
  expect(await disk('resize', at('grown.vhdx'), '48MiB')).toMatchObject({ code: 0 });
  const grown = await disk('changes', at('grown.vhdx'), at('moved.chunks'));
  expect(grown).toMatchObject({ code: exitCodes.badInput.code });
  expect(grown.stderr).toContain('is of a disk of 41943040 bytes, this one has 50331648');
});
