import * as patience from '../../functions/saga/patience';

/** No fault of a seed lasts longer than this by much; one that would park only after a day is never seen to park. */
const undoPatienceMsMax = 150_000;

/** An undo is retried for minutes in a simulated world, where it is a day in the real one, so that runs are seen to park in an undo. */
export function shortenPatience(): void {
  Reflect.defineProperty(patience, 'undoPatienceMsMax', { value: undoPatienceMsMax });
}
