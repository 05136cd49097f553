import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../agent/clock';
import { valueOf } from '../../agent/disks/failures';
import { mib } from '../../agent/disks/route/testing/hosts';
import { makeImage, shapeOf } from '../../agent/disks/route/testing/images';
import { seededBytes } from '../../agent/disks/route/testing/random';
import { routeImages } from '../../agent/disks/route/route-images';
import { expectSameImage } from '../../agent/disks/staged/testing/disks';
import { MemoryStore } from '../../agent/disks/staged/testing/memory-store';
import { StagedRoute } from '../../agent/staged-route';
import { succeeded, type Outcome } from '../../contracts/failure';
import { hostId, operationId, runId } from '../../contracts/ids';
import { operations, type OperationProgress } from '../../contracts/operations';
import { sealKey, stagingContext } from '../../relay/sealed-key';
import { vmA } from '../agent/workbench';

const run = runId.parse('move-1-r1');
const [source, destination] = [hostId.parse('host-1'), hostId.parse('host-2')];
const batchKey = Buffer.alloc(32, 3);

let folder: string;
let store: MemoryStore;
/** Access that ended before this is not accepted. */
let acceptedFromMs: number;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hyperferry-staged-'));
  store = new MemoryStore();
  acceptedFromMs = 0;
  await makeImage(join(folder, 'source.vhdx'), shapeOf({ virtualSizeBytes: 4 * mib }), [
    { offsetBytes: 0, data: seededBytes(2 * mib, 1) },
  ]);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const routeOf = (host: typeof source): StagedRoute =>
  new StagedRoute({
    hostId: host,
    certificate: { key: `the private key of ${host}` },
    driver: {
      locateForReading: async () => succeeded({ path: join(folder, 'source.vhdx') }),
      locateForWriting: async () =>
        succeeded({ path: join(folder, 'copy'), journalPath: join(folder, 'copy.journal') }),
    },
    images: routeImages(randomUUID),
    storeOf: ({ expiresAtMs }) => {
      store.trouble = () => (expiresAtMs < acceptedFromMs ? 'no-access' : undefined);
      return store;
    },
    clock: systemClock,
  });

const access = (expiresAtMs: number) => ({ containerUrl: 'https://storage.test/a', sas: 'sig=a', expiresAtMs });

const inputFor = (route: StagedRoute, host: string) => ({
  vmId: vmA,
  folder: '/vms/web',
  subject: { type: 'image', diskId: 'scsi-0-0', index: 0 },
  name: 'scsi-0-0_0',
  staging: {
    access: access(10),
    sealedKey: sealKey(route.sealingKey, batchKey, stagingContext(run, host)) ?? '',
  },
  bandwidthBytesPerSecondMax: null,
  ledgerWatermarkBytes: null,
});

const context = (report: (progress: OperationProgress) => void = () => undefined) => ({
  runId: run,
  signal: new AbortController().signal,
  report,
});

const stage = (route: StagedRoute, host: string, report?: (progress: OperationProgress) => void) =>
  route.stage({
    ...context(report),
    operationId: operationId.parse('op-1'),
    input: operations.stage.input.parse(inputFor(route, host)),
  });

const codeOf = (outcome: Outcome<unknown>): string => (outcome.ok ? 'ok' : outcome.failure.code);

test('two agents that were given the key of a batch carry a disk through storage that has it not', async () => {
  const [from, to] = [routeOf(source), routeOf(destination)];
  const staged = valueOf(await stage(from, source));
  const pulled = valueOf(
    await to.pull({
      ...context(),
      operationId: operationId.parse('op-2'),
      input: operations['pull-staged'].input.parse(inputFor(to, destination)),
    }),
  );
  expect(pulled.digest).toBe(staged.digest);
  await expectSameImage(pulled.path, join(folder, 'source.vhdx'));
  const stored = Buffer.concat([...store.blobs.values()]);
  expect(stored.includes(batchKey)).toBe(false);
  expect(stored.includes(seededBytes(2 * mib, 1).subarray(0, 64))).toBe(false);
});

test('a key that was sealed for another host or run is not taken, and nothing is put', async () => {
  const route = routeOf(source);
  expect(codeOf(await stage(route, destination))).toBe('StagingAccessEnded');
  expect(store.calls).toEqual([]);
});

test('an operation whose access has ended waits, tells until when it had it, and goes on with what the app sends', async () => {
  const route = routeOf(source);
  acceptedFromMs = 20;
  let told: OperationProgress | undefined;
  const staging = stage(route, source, (progress) => (told = progress));
  while (typeof told?.waitingFor !== 'string') await systemClock.sleep(5);
  expect(told).toMatchObject({ accessEndsAtMs: 10 });
  expect(codeOf(route.renew(operationId.parse('op-1'), access(30)))).toBe('ok');
  expect(codeOf(await staging)).toBe('ok');
});

test('access for an operation that is not under way is OperationLost', () => {
  expect(codeOf(routeOf(source).renew(operationId.parse('op-9'), access(30)))).toBe('OperationLost');
});
