import { failureOf, type Failure, type Outcome } from '../../contracts/failure';
import type { FailureCode } from '../../contracts/failure-codes';
import { failureResponse, jsonResponse, type RelayResponse } from '../../relay/exchange';

/** HTTP statuses of failures. Never 502 or 504, which are the relay's own words; what is not named here is a 500. */
const statuses: Partial<Record<FailureCode, number>> = {
  RequestInvalid: 400,
  BodyNotJson: 400,
  Unauthorized: 401,
  NotFound: 404,
  VmNotFound: 404,
  OperationLost: 404,
  IdConflict: 409,
  EpochStale: 409,
  VmBusy: 409,
  RefusedAfterStart: 409,
  BodyTooLarge: 413,
  RelayUnreachable: 503,
  DiskFull: 507,
};

/** Something was asked that this agent does not have or do. */
export const noSuchRoute = (method: string, path: string): Failure =>
  failureOf('NotFound', { message: `this agent has no ${method} ${path}`, subject: { field: 'path', value: path } });

export const answerFailure = (failure: Failure): RelayResponse =>
  failureResponse(statuses[failure.code] ?? 500, failure);

export const answerOutcome = (outcome: Outcome<unknown>): RelayResponse =>
  outcome.ok ? jsonResponse(200, outcome.value) : answerFailure(outcome.failure);
