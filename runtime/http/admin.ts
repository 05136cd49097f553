import type { ApiRequest, ApiResponse } from './exchange';
import { notFound } from './exchange';

export type HostStatus = {
  readonly state: 'Running' | 'Stopping';
  readonly version: string;
  readonly processUptime: number;
  readonly hubName: string;
  readonly functionCount: number;
  readonly workerRestarts: number;
  readonly running: { readonly turns: number; readonly activities: number; readonly activitiesWaiting: number };
};

/** The host's own pages: `/admin/host/ping` and `/admin/host/status`. */
export function adminApi(request: ApiRequest, status: () => HostStatus): ApiResponse {
  const [area, page] = request.segments;
  if (area !== 'host' || request.segments.length !== 2) return notFound;
  if (page === 'ping' && ['GET', 'POST'].includes(request.method)) return { status: 200 };
  if (page === 'status' && request.method === 'GET') return { status: 200, body: { id: 'hyperferry', ...status() } };
  return notFound;
}
