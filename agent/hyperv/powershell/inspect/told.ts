import { known, notKnown, type Fact } from '../../../../contracts/inspection';
import type { Outcome } from '../../../../contracts/failure';
import type { Told } from '../calls/inspection';
import { classify } from '../worker/classify';

/** A part of what a look answered, as a fact; where the look failed, or that part of it, the fact says why. */
export function factOf<V, T, F>(looked: Outcome<V>, part: (value: V) => Told<T>, as: (value: T) => Fact<F>): Fact<F> {
  if (!looked.ok) return notKnown(`${looked.failure.code}: ${looked.failure.message}`);
  const told = part(looked.value);
  if (told.known) return as(told.value);
  const { code, message } = classify(told.error, false);
  return notKnown(`${code}: ${message}`);
}

/** All of what a look answered, as a fact. */
export const wholeFact = <V, F>(looked: Outcome<V>, as: (value: V) => F): Fact<F> =>
  looked.ok ? known(as(looked.value)) : notKnown(`${looked.failure.code}: ${looked.failure.message}`);

/** A fact of two: known where both are. */
export function both<A, B, F>(one: Fact<A>, other: Fact<B>, as: (one: A, other: B) => F): Fact<F> {
  if (!one.known) return one;
  return other.known ? known(as(one.value, other.value)) : other;
}
