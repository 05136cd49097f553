import { BlobServiceClient } from '@azure/storage-blob';
import { Documents } from '../../activities/storage/documents';
import { advanceLedger, readLedger } from '../../activities/storage/ledger';
import { runId } from '../../contracts/ids';
import type { OperationProgress } from '../../contracts/operations';
import { startAzurite, type Azurite } from '../azurite';

let azurite: Azurite;
let documents: Documents;
beforeAll(async () => {
  azurite = await startAzurite();
  documents = new Documents(BlobServiceClient.fromConnectionString(azurite.connectionString), 'ledger-test');
});
afterAll(() => azurite.stop());

const run = runId.parse('m1-r1');
const at = (watermarkBytes: number): OperationProgress => ({
  bytesDone: watermarkBytes,
  bytesTotal: 100,
  bytesPerSecond: 1,
  watermarkBytes,
  digestSoFar: `digest at ${watermarkBytes}`,
  waitingFor: null,
});
const advance = (name: string, watermarkBytes: number) =>
  advanceLedger(documents, run, name, at(watermarkBytes), new Date('2027-01-01T00:00:00Z'));

test('the watermark of the ledger only moves forward, whatever the order of looks', async () => {
  for (const bytes of [10, 30, 20]) await advance('scsi-0-0_0', bytes);
  const entry = await readLedger(documents, run, 'scsi-0-0_0');
  expect(entry).toMatchObject({ ok: true, value: { watermarkBytes: 30, digestSoFar: 'digest at 30' } });
});

test('two writers at once end with the higher watermark', async () => {
  await Promise.all([5, 50, 40, 25].map((bytes) => advance('race', bytes)));
  expect(await readLedger(documents, run, 'race')).toMatchObject({ ok: true, value: { watermarkBytes: 50 } });
});

test('a replace with an ETag that is not the newest changes nothing', async () => {
  await documents.create('doc', { n: 1 });
  expect(await documents.replace('doc', { n: 2 }, '"0x1"')).toEqual({ ok: true, value: 'changed' });
  expect(await documents.create('doc', { n: 3 })).toEqual({ ok: true, value: 'exists' });
});

test('storage that is away is a passing failure, not an exception', async () => {
  const away = BlobServiceClient.fromConnectionString(
    azurite.connectionString.replace(/127\.0\.0\.1:\d+/, '127.0.0.1:9'),
    { retryOptions: { maxTries: 1 } },
  );
  const entry = await readLedger(new Documents(away, 'x'), run, 'y');
  expect(entry).toMatchObject({ ok: false, failure: { code: 'StorageUnavailable', retry: 'transient' } });
});
