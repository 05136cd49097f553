import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { transcriptEntry, transcriptFile, withoutSecrets, type TranscriptEntry } from './transcript';

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

test('a transcript keeps the last entries, within twice its bound, also when it is opened again', () => {
  const folder = mkdtempSync(join(tmpdir(), 'hyperferry-transcript-'));
  try {
    const path = join(folder, 'calls.jsonl');
    for (let from = 0; from < 100; from += 10) {
      const write = transcriptFile(path, 1000);
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
  } finally {
    rmSync(folder, { recursive: true });
  }
});
