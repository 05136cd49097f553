import { X509Certificate } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { valueOf } from '../failures';
import { ensureCertificate } from './certificate';
import { failureCodeOf, sourceHost } from './testing/hosts';
import { instantClock } from './testing/instant-clock';

const dayMs = 24 * 60 * 60_000;
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hyperferry-certificate-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('a certificate is made once and loaded ever after', async () => {
  const clock = instantClock();
  const made = valueOf(await ensureCertificate(join(folder, 'new'), sourceHost, clock));
  const loaded = valueOf(await ensureCertificate(join(folder, 'new'), sourceHost, clock));
  expect(loaded).toEqual(made);
  const certificate = new X509Certificate(made.cert);
  expect(certificate.subject).toBe('CN=source-host');
  expect(certificate.publicKey.asymmetricKeyDetails).toEqual({ namedCurve: 'prime256v1' });
  expect(certificate.fingerprint256.replaceAll(':', '').toLowerCase()).toBe(made.sha256);
});

test('nobody but the owner may read the key, and nothing else lies beside it', async () => {
  await ensureCertificate(folder, sourceHost, instantClock());
  expect(await readdir(folder)).toEqual(['byte-route.pem']);
  expect((await stat(join(folder, 'byte-route.pem'))).mode & 0o777).toBe(0o600);
});

test('a new certificate takes the place of one that ends within 30 days, not earlier', async () => {
  const clock = instantClock();
  const made = valueOf(await ensureCertificate(folder, sourceHost, clock));
  clock.advance(3650 * dayMs - 32 * dayMs);
  expect(valueOf(await ensureCertificate(folder, sourceHost, clock)).sha256).toBe(made.sha256);
  clock.advance(3 * dayMs);
  expect(valueOf(await ensureCertificate(folder, sourceHost, clock)).sha256).not.toBe(made.sha256);
});

test('a file that is no certificate with its key is a failure, and is left as it is', async () => {
  const path = join(folder, 'byte-route.pem');
  const first = valueOf(await ensureCertificate(join(folder, 'a'), sourceHost, instantClock()));
  const second = valueOf(await ensureCertificate(join(folder, 'b'), sourceHost, instantClock()));
  for (const content of [
    '',
    'nonsense',
    first.cert,
    `${first.key}\n${second.cert}`,
    `${first.key}\n${first.cert.slice(0, 200)}`,
  ]) {
    await writeFile(path, content);
    expect(failureCodeOf(await ensureCertificate(folder, sourceHost, instantClock()))).toBe('IoFailed');
    expect(await readFile(path, 'utf8')).toBe(content);
  }
});

test('a folder that cannot be one is a failure, not an exception', async () => {
  await writeFile(join(folder, 'file'), '');
  expect(failureCodeOf(await ensureCertificate(join(folder, 'file'), sourceHost, instantClock()))).toBe('IoFailed');
});
