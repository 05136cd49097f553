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
