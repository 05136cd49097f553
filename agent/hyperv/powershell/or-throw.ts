import type { Failure, Outcome } from '../../../contracts/failure';

/** What a look failed with, where the interface of the driver has no place for a failure. */
class HyperVError extends Error {
  constructor(readonly failure: Failure) {
    super(`${failure.code}: ${failure.message}`);
  }
}

/** What was looked at. Throws where Hyper-V did not tell it: the host does not answer then, and is asked again. */
export const orThrow = <T>(outcome: Outcome<T>): T => {
  if (outcome.ok) return outcome.value;
  throw new HyperVError(outcome.failure);
};
