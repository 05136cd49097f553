import { failed, failureOf, succeeded, type Failure, type Outcome } from '../../contracts/failure';
import { errorCode, refusalOfVolume } from '../thrown';

/**
 * A failure of a disk image, thrown where an interface has no room for a value: `read`, `write` and `flush` of an image, and what
 * stands below them. Functions that answer an `Outcome` catch it with `outcomeOf`; it never leaves agent/disks any other way.
 */
export class DiskError extends Error {
  readonly failure: Failure;

  constructor(failure: Failure, options?: ErrorOptions) {
    super(failure.message, options);
    this.name = 'DiskError';
    this.failure = failure;
  }
}

type DamageCode = 'DiskNotVhdx' | 'DiskTruncated' | 'DiskDamaged' | 'DiskChainBroken';

const damage = (code: DamageCode) => (message: string) => failed(failureOf(code, { message }));

export const notVhdx = damage('DiskNotVhdx');
export const truncated = damage('DiskTruncated');
export const damaged = damage('DiskDamaged');
export const chainBroken = damage('DiskChainBroken');

/** Names the file in a failure whose message speaks of the file without naming it. */
export function namingFile<T>(path: string, outcome: Outcome<T>): Outcome<T> {
  if (outcome.ok || outcome.failure.message.startsWith(path)) return outcome;
  return failed({ ...outcome.failure, message: `${path}: ${outcome.failure.message}`.slice(0, 1000) });
}

/** The value of an outcome; throws its failure as a `DiskError`. */
export function valueOf<T>(outcome: Outcome<T>): T {
  if (outcome.ok) return outcome.value;
  throw new DiskError(outcome.failure);
}

/** Runs what may throw a `DiskError` and answers its failure as a value. Anything else that is thrown is a bug and goes on. */
export async function outcomeOf<T>(work: () => Promise<T>): Promise<Outcome<T>> {
  try {
    return succeeded(await work());
  } catch (thrown) {
    if (thrown instanceof DiskError) return failed(thrown.failure);
    throw thrown;
  }
}

/**
 * An error of the operating system as a `DiskError`: `DiskFull` when the volume or quota is full, `NotEnoughRoom` when the file became larger
 * than its volume takes, otherwise `IoFailed`. `effect` is what the attempt may have left behind.
 */
export function ioError(thrown: unknown, action: string, path: string, effect: Failure['effect']): DiskError {
  if (thrown instanceof DiskError) return thrown;
  const code = errorCode(thrown) ?? 'an unknown error';
  const kind = refusalOfVolume(thrown) ?? 'IoFailed';
  const why = kind === 'NotEnoughRoom' ? ': the file is larger than its volume takes' : '';
  const message = `${path}: ${action} failed with ${code}${why}`;
  return new DiskError(failureOf(kind, { message, effect }), { cause: thrown });
}

export const isMissing = (thrown: unknown): boolean =>
  errorCode(thrown) === 'ENOENT' || errorCode(thrown) === 'ENOTDIR';
export const isOccupied = (thrown: unknown): boolean => errorCode(thrown) === 'EEXIST';
/** Windows cannot open a folder for `fsync`, and has no need of it: NTFS journals names. */
export const cannotSyncFolder = (thrown: unknown): boolean => {
  const code = errorCode(thrown);
  return code === 'EPERM' || code === 'EISDIR' || code === 'EINVAL' || code === 'EACCES';
};
