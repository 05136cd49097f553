import { notFound, type ApiRequest, type ApiResponse } from './exchange';

/** What keeps a host from doing its work just now, by name; empty when nothing does. */
export type Health = {
  readonly reasons: readonly ('starting' | 'stopping' | 'workerIsBeingReplaced' | 'stateTakesNoWrites')[];
};

/**
 * `/healthz`: the process answers, so nobody need restart it. `/readyz`: it does its work; 503 with the reasons when it does not,
 * which pass by themselves or need room on the disk, not a restart.
 */
export function healthApi(request: ApiRequest, health: () => Health): ApiResponse {
  if (request.method !== 'GET') return notFound;
  if (request.segments[0]?.toLowerCase() === 'healthz') return { status: 200, body: { status: 'alive' } };
  const { reasons } = health();
  if (reasons.length === 0) return { status: 200, body: { status: 'ready' } };
  return { status: 503, headers: { 'retry-after': '1' }, body: { status: 'notReady', reasons } };
}
