import { succeeded } from '../../../contracts/failure';
import { systemClock } from '../../clock';
import { valueOf } from '../failures';
import type { SourceContent } from '../route/content';
import { mib } from '../route/testing/hosts';
import { stagedPace } from './limits';
import { stageContent } from './stage';
import { stageOf } from './testing/ends';
import { MemoryStore } from './testing/memory-store';

test('a source that needs two hours writes less than a thousand segments, so that who goes on has read them soon', async () => {
  const [cutBytes, seconds] = [4096, 7200];
  let nowMs = 0;
  const clock = { ...systemClock, now: () => nowMs };
  const facts = { type: 'file', fileSizeBytes: seconds * mib, modifiedAtNs: '1' } as const;
  /** A little data in each mebibyte, and a second for each. */
  const content: SourceContent = {
    facts,
    *extents() {
      for (let at = 0; at < facts.fileSizeBytes; at += mib)
        yield { kind: 'data', offsetBytes: at, lengthBytes: cutBytes };
    },
    read: async (bytes) => {
      nowMs += 1000;
      bytes.fill(1);
    },
    close: async () => undefined,
  };
  const store = new MemoryStore();
  const pace = { ...stageOf(store, '').pace, segmentMs: stagedPace.segmentMs };
  valueOf(await stageContent(stageOf(store, '', { open: async () => succeeded(content), clock, pace })));
  expect(store.names('manifests/').length).toBeLessThan(1000);
  expect(store.names('manifests/').length).toBeGreaterThan(800);
});

/** A store that writes no manifest before the test says so. */
class WithoutManifest extends MemoryStore {
  readonly may = Promise.withResolvers<undefined>();

  override async put(name: string, bytes: Buffer): Promise<'put' | 'there'> {
    if (name.startsWith('manifests/')) await this.may.promise;
    return super.put(name, bytes);
  }
}

test('what is in storage is shown as done, long before a manifest says that it is there', async () => {
  const facts = { type: 'file', fileSizeBytes: 64 * mib, modifiedAtNs: '1' } as const;
  /** Every second mebibyte holds zeros. */
  const content: SourceContent = {
    facts,
    *extents() {
      for (let at = 0; at < facts.fileSizeBytes; at += mib) yield { kind: 'data', offsetBytes: at, lengthBytes: mib };
    },
    read: async (bytes, offsetBytes) => void bytes.fill((offsetBytes / mib) % 2),
    close: async () => undefined,
  };
  const store = new WithoutManifest();
  const shown: number[] = [];
  const report = ({ bytesDone }: { readonly bytesDone: number }) => void shown.push(bytesDone);
  // One segment for all.
  const pace = { ...stageOf(store, '').pace, segmentMs: 3_600_000 };
  const staging = stageContent(stageOf(store, '', { open: async () => succeeded(content), report, pace }));
  // The last zeros are passed over after the last block, and said by the last segment.
  while ((shown.at(-1) ?? 0) < 62 * mib) await systemClock.sleep(5);
  expect(store.names('manifests/')).toEqual([]);
  store.may.resolve(undefined);
  expect(valueOf(await staging)).toMatchObject({ dataBytes: 32 * mib, zeroBytes: 32 * mib });
  expect(shown).toEqual([...shown].sort((one, other) => one - other));
  expect(Math.max(...shown)).toBeLessThanOrEqual(64 * mib);
});
