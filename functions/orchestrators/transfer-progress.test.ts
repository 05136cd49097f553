import { hostId } from '../../contracts/ids';
import type { Progress } from '../saga/run';
import { describeProgress, type Watched } from './transfer-progress';

/** What a run shows and notes; nothing was reached before. */
class Shown {
  progress: Progress | null = null;
  rate = 0;
  readonly reach = (_: string, bytesDone: number): number => bytesDone;
  readonly reachedBesides = (): number => 0;
  readonly noteRate = (bytesPerSecond: number): void => void (this.rate = bytesPerSecond);
  readonly showProgress = (progress: Progress | null): void => void (this.progress = progress);
}

const host = hostId.parse('host-a');

/** An operation that moves 1000 bytes. */
const moving = (kind: string, label: string, bytesDone: number, bytesPerSecond: number): Watched => ({
  asked: { host, kind, label },
  view: { progress: { bytesDone, bytesTotal: 1000, bytesPerSecond, waitingFor: null } },
  ended: undefined,
});

function shownOf(...all: readonly Watched[]): Shown & { leftMs: number | null } {
  const shown = new Shown();
  const leftMs = describeProgress(shown, all, undefined);
  return Object.assign(shown, { leftMs });
}

test('what moves side by side shares a line: all that is left takes as long as all of it together', () => {
  const shown = shownOf(moving('pull', 'a', 900, 50), moving('pull', 'b', 100, 50));
  expect(shown.leftMs).toBe(10_000);
  expect(shown.progress).toMatchObject({ bytesDone: 1000, bytesTotal: 2000, bytesPerSecond: 100, leftMs: 10_000 });
  expect(shown.rate).toBe(100);
});

test('a copy by way of storage is over when the end that is behind is, and goes as fast as the slower', () => {
  const shown = shownOf(moving('stage', 'a_staged', 800, 100), moving('pull-staged', 'a', 200, 50));
  expect(shown.leftMs).toBe(16_000);
  expect(shown.rate).toBe(50);
  expect(shownOf(moving('stage', 'a_staged', 300, 10), moving('pull-staged', 'a', 200, 50)).leftMs).toBe(70_000);
});

test('a destination that has nothing yet is taken to go as fast as its source', () => {
  const shown = shownOf(moving('stage', 'a_staged', 200, 100), moving('pull-staged', 'a', 0, 0));
  expect(shown.leftMs).toBe(10_000);
  expect(shown.rate).toBe(100);
});

test('a source that stands still, or of which nothing is known, foretells nothing', () => {
  expect(shownOf(moving('stage', 'a_staged', 200, 0), moving('pull-staged', 'a', 100, 50)).leftMs).toBeNull();
  expect(shownOf(moving('pull', 'a', 0, 0)).leftMs).toBeNull();
  expect(shownOf().progress).toBeNull();
});

test('what has ended adds nothing to the rate, and has nothing left', () => {
  const over: Watched = { ...moving('stage', 'a_staged', 1000, 100), ended: { ok: true } };
  const shown = shownOf(over, moving('pull-staged', 'a', 500, 50));
  expect(shown.leftMs).toBe(10_000);
  expect(shown.progress).toMatchObject({ bytesDone: 1500, bytesTotal: 2000, bytesPerSecond: 50 });
});
