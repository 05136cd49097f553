import { blocksSideBySide, segmentMsOf, stagedPace } from '../../agent/disks/staged/limits';
import { bandwidthBytesPerSecondMin } from '../../contracts/bandwidth';
import { blockBytesMax } from '../../contracts/limits';
import { patienceMsMax } from '../../functions/saga/patience';

test.each(['sourceMsMax', 'accessMsMax'] as const)(
  'after two waits in vain of %s a cutover has patience left',
  (wait) => {
    expect(2 * stagedPace[wait]).toBeLessThan(patienceMsMax.Cutover);
  },
);

test('a source with the least bandwidth stages a segment before its destination gives up, the longest one too', () => {
  // What is on its way side by side, and the block that found no place beside it.
  const bytes = (blocksSideBySide + 1) * blockBytesMax;
  const sentMs = (bytes / bandwidthBytesPerSecondMin) * 1000;
  expect(sentMs + segmentMsOf(stagedPace, Number.MAX_SAFE_INTEGER)).toBeLessThan(stagedPace.sourceMsMax);
});
