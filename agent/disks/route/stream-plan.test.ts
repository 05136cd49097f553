import { resentBytesMax } from '../../../contracts/limits';
import { StreamPlan, type LostConnection } from './stream-plan';

const wanted = { max: 4, bytesEachMin: 1 };
const much = resentBytesMax;
const refused: LostConnection = { hadFurther: false, byFurther: false, bytes: 0 };
const alone: LostConnection = { hadFurther: false, byFurther: false, bytes: 1 };
const broken: LostConnection = { hadFurther: true, byFurther: true, bytes: much };
const lostSoon: LostConnection = { hadFurther: true, byFurther: false, bytes: 1 };
const lostLate: LostConnection = { hadFurther: true, byFurther: false, bytes: much };

/** Streams of each connection, the one before these were lost first. */
function streamsAfter(...losses: readonly LostConnection[]): number[] {
  const plan = new StreamPlan(wanted);
  const seen = [plan.next.max];
  for (const loss of losses) {
    plan.lost(loss);
    seen.push(plan.next.max);
  }
  return seen;
}

test('a source that cannot be reached for a while is no reason to do without further streams', () => {
  expect(streamsAfter(refused, refused, refused, refused)).toEqual([4, 4, 4, 4, 4]);
});

test('after one connection that ended by a further stream the next has none, and the one after it has', () => {
  expect(streamsAfter(broken, refused, alone)).toEqual([4, 1, 1, 4]);
});

test('each time it is twice as many that have none', () => {
  expect(streamsAfter(broken, alone, broken, alone, alone, broken, alone, alone, alone, alone)).toEqual([
    4, 1, 4, 1, 1, 4, 1, 1, 1, 1, 4,
  ]);
});

test('connections that are lost soon, one after the other, are put down to further streams, and late ones are not', () => {
  expect(streamsAfter(lostSoon, lostSoon, lostSoon)).toEqual([4, 4, 4, 1]);
  expect(streamsAfter(lostSoon, lostSoon, lostLate, lostSoon, lostSoon)).toEqual([4, 4, 4, 4, 4, 4]);
});
