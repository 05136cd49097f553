import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { secretsAmong, transcriptEntry, transcriptFile, withoutSecrets, type TranscriptEntry } from './transcript';

const entry = (call: string): TranscriptEntry => ({
  at: '2026-01-02T03:04:05.678Z',
  call,
  args: { Name: 'x'.repeat(50) },
  tookMs: 1,
  answer: { type: 'value' },
});

test('secrets are gone at every depth, and everything else is as it was', () => {
  const given = {
    Password: 'a',
    list: [{ sasCredential: 'b', name: 'c' }],
    KeyProtector: [1],
    deep: { secret: { x: 1 } },
  };
  const kept = withoutSecrets(given);
  expect(kept).toEqual({
    Password: '(not shown)',
    list: [{ sasCredential: '(not shown)', name: 'c' }],
    KeyProtector: '(not shown)',
    deep: { secret: '(not shown)' },
  });
});

test('private keys of a guardian are gone, and its password also from the texts of errors and from keys beside it', () => {
  const args = { Name: 'UntrustedGuardian', Password: 'aGVsbG8', SigningPath: '/state/guardians/pfx/signing.pfx' };
  const secrets = secretsAmong(args);
  expect(secrets).toEqual(['aGVsbG8']);
  expect(withoutSecrets(args, secrets)).toEqual({ ...args, Password: '(not shown)' });
  const answer = {
    value: { state: 'exported', signingPfx: 'MIIK', encryptionPfx: 'MIIL', thumbprint: 'AB' },
    error: { message: 'The argument "aGVsbG8" does not match.', codes: ['aGVsbG8'] },
  };
  expect(withoutSecrets(answer, secrets)).toEqual({
    value: { state: 'exported', signingPfx: '(not shown)', encryptionPfx: '(not shown)', thumbprint: 'AB' },
    error: { message: 'The argument "(not shown)" does not match.', codes: ['(not shown)'] },
  });
});

test('a transcript keeps the last entries, within twice its bound, also when it is opened again', () => {
  const folder = mkdtempSync(join(tmpdir(), 'hyperferry-transcript-'));
  try {
    const path = join(folder, 'calls.jsonl');
    const gaps: string[] = [];
    for (let from = 0; from < 100; from += 10) {
      const write = transcriptFile(path, 1000, (reason) => void gaps.push(reason));
      for (let at = from; at < from + 10; at++) write(entry(`call-${at}`));
    }
    expect(readdirSync(folder).sort()).toEqual(['calls.jsonl', 'calls.jsonl.1']);
    const texts = [`${path}.1`, path].map((file) => readFileSync(file, 'utf8'));
    for (const text of texts) expect(text.length).toBeLessThanOrEqual(1000);
    const calls = texts
      .flatMap((text) => text.trimEnd().split('\n'))
      .map((line) => transcriptEntry.parse(JSON.parse(line)).call);
    expect(calls).toEqual(Array.from({ length: calls.length }, (_, at) => `call-${100 - calls.length + at}`));
    expect(calls.length).toBeGreaterThan(6);
    expect(gaps).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('an entry that cannot be written fails no call, and each gap is told once', () => {
  const folder = mkdtempSync(join(tmpdir(), 'hyperferry-transcript-'));
  try {
    const path = join(folder, 'later', 'calls.jsonl');
    const gaps: string[] = [];
    const write = transcriptFile(path, 1000, (reason) => void gaps.push(reason));
    for (const call of ['a', 'b']) write(entry(call));
    mkdirSync(join(folder, 'later'));
    write(entry('c'));
    expect(gaps).toEqual([expect.stringContaining('ENOENT')]);
    expect(readFileSync(path, 'utf8')).toContain('"call":"c"');
  } finally {
    rmSync(folder, { recursive: true });
  }
});
