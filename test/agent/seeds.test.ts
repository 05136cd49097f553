import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspectSeeds } from '../../agent/inspect-seeds';
import { createCarryOut, type PullTask } from '../../agent/operations/handlers';
import { parseTask } from '../../agent/operations/task';
import { makeImage, shapeOf } from '../../agent/disks/route/testing/images';
import { failed, failureOf, succeeded } from '../../contracts/failure';
import { diskId, operationId, runId } from '../../contracts/ids';
import { sampleOutputs } from '../samples/operation-outputs';
import { FakeDriver } from './fake-driver';
import { notStaged } from './workbench';

const mib = 1024 * 1024;
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hyperferry-seeds-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const named = (path: string) => ({ diskId: diskId.parse('scsi-0-0'), path });

test('a seed is looked at as a pull would open it: its parents too, and only below the roots', async () => {
  const paths = ['disk', 'base', 'child', 'text', 'gone'].map((name) => join(folder, `${name}.vhdx`));
  const [disk = '', base = '', child = '', text = '', gone = ''] = paths;
  await makeImage(disk, shapeOf({ virtualSizeBytes: 5 * mib }), []);
  const parent = { dataWriteId: randomUUID(), absolutePath: '/elsewhere/base.vhdx' };
  await makeImage(child, shapeOf({ kind: 'differencing', parent }), []);
  await writeFile(text, 'no disk');
  const outside = failed(failureOf('PathOutsideRoots', { message: 'outside' }));
  const locate = async (path: string) => (path === base ? outside : succeeded({ path, roots: [folder] }));
  const found = await inspectSeeds(locate, [disk, base, child, text, gone].map(named));
  expect(found.map((one) => (one.usable ? one.virtualSizeBytes : one.code))).toEqual([
    5 * mib,
    'PathOutsideRoots',
    expect.stringMatching(/PathOutsideRoots|DiskChainBroken/),
    'DiskNotVhdx',
    'IoFailed',
  ]);
});

const pullInput = (seedPath?: string) => ({
  vmId: '11111111-2222-3333-4444-555555555555',
  folder: '/vms',
  subject: { type: 'image', diskId: 'scsi-0-0', index: 0 },
  peer: { hostId: 'host-1', address: '127.0.0.1', port: 1, certificateSha256: 'ab', ticket: 't' },
  bandwidthBytesPerSecondMax: null,
  ledgerWatermarkBytes: null,
  ...(seedPath === undefined ? {} : { seedPath }),
});

/** Carries a pull out on a driver that takes paths below /vms alone; answers how it ended and what the byte route was asked. */
async function carriedOut(seedPath?: string): Promise<{ code: string; pulls: PullTask[] }> {
  const pulls: PullTask[] = [];
  const pull = async (task: PullTask) => {
    pulls.push(task);
    return succeeded(sampleOutputs.pull);
  };
  const carryOut = createCarryOut(new FakeDriver(), pull, notStaged);
  const task = parseTask('pull', pullInput(seedPath));
  if (!task.ok) throw new Error(task.failure.message);
  const operation = { operationId: operationId.parse('op-1'), runId: runId.parse('m1-r1'), epoch: 1, task: task.value };
  const context = { signal: new AbortController().signal, report: () => undefined };
  const outcome = await carryOut(operation, context);
  return { code: outcome.ok ? 'ok' : outcome.failure.code, pulls };
}

test('a pull is given its seed with the roots, and none where none is named', async () => {
  expect((await carriedOut('/vms/old.vhdx')).pulls).toMatchObject([
    { seed: { path: '/vms/old.vhdx', roots: ['/vms'] } },
  ]);
  expect((await carriedOut()).pulls[0]).not.toHaveProperty('seed');
});

test('a pull whose seed is outside of the roots is refused before anything is asked for', async () => {
  expect(await carriedOut('/etc/shadow')).toEqual({ code: 'PathOutsideRoots', pulls: [] });
});
