import * as patience from '../../functions/saga/patience';

/** No fault of a seed lasts longer than a few minutes: what would be given up after ten, or park after a day, would never be seen to. */
const shortened = { Prepare: 90_000, Cutover: 45_000, undo: 150_000 };

/** Runs of a simulated world are less patient than those of the real one, so that their giving up is seen. */
export function shortenPatience(): void {
  patience.patienceMsMax.Prepare = shortened.Prepare;
  patience.patienceMsMax.Cutover = shortened.Cutover;
  Reflect.defineProperty(patience, 'undoPatienceMsMax', { value: shortened.undo });
}
