import { failed, succeeded, type Failure, type Outcome } from '../../../contracts/failure';
import type { OperationOutput } from '../../../contracts/operations';
import type { RouteImages } from './route-images';
import { routePace, type RoutePace } from './limits';
import type { PullRequest } from './pull-request';
import { findResumption } from './resumption';
import { Transfer } from './transfer';
import { routeImages } from './route-images';

export type PullFileRequest = Omit<PullRequest, 'pace' | 'images'> & {
  readonly pace?: RoutePace;
  /** By default those of `routeImages`. */
  readonly images?: RouteImages;
};

/**
 * Copies one image or file from a source host, going on where an earlier attempt of this run stopped. Every block is checked before it is
 * written; the watermark never passes what is durable. Connects again by itself when a connection breaks.
 *
 * Failures, all with effect `applied`, since the journal at least is there: `PeerUnreachable` after about 20 s without progress;
 * `TicketInvalid`, `TicketExpired` and whatever else the source refuses with; `SourceChanged`; `JournalDamaged`; `DigestMismatch` for the
 * second damaged block; `DiskFull`, `IoFailed`, with the watermark kept; `CanceledByOperator` after an abort, as soon as what is on its
 * way to the disk has got there.
 */
export async function pullFile(request: PullFileRequest): Promise<Outcome<OperationOutput<'pull'>>> {
  const whole: PullRequest = { pace: routePace, images: routeImages(), ...request };
  const found = await findResumption(whole);
  if (!found.ok) return failed(applied(found.failure));
  if (found.value.kind === 'finished') return succeeded(found.value.output);
  const transfer = new Transfer(whole, found.value);
  const outcome = await transfer.run();
  return outcome.ok ? outcome : failed(applied(outcome.failure));
}

const applied = (failure: Failure): Failure => ({ ...failure, effect: 'applied' });
