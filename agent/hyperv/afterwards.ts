import { failed, type Failure, type Outcome } from '../../contracts/failure';
import { outcomeOf, valueOf } from '../disks/failures';

/**
 * What an operation looks at when its work is done, or was done before. A look that fails is a failure with effect: told as one without, a
 * run would not undo what was done.
 */
export async function afterwards<T>(look: () => Outcome<T> | Promise<Outcome<T>>): Promise<Outcome<T>> {
  const looked = await outcomeOf(async () => valueOf(await look()));
  return looked.ok ? looked : failed({ ...looked.failure, effect: 'applied' });
}

/** A failure behind which something was changed, or begun. */
export const hadEffect = (failure: Failure): Failure =>
  failure.effect === 'none' ? { ...failure, effect: 'applied' } : failure;
