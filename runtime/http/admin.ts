import type { ApiRequest, ApiResponse } from './exchange';
import { notFound } from './exchange';

export type HostStatus = {
  readonly state: 'Starting' | 'Running' | 'Stopping';
  /** Of Node. */
  readonly version: string;
  /** Milliseconds. */
  readonly processUptime: number;
  readonly computerName: string;
  readonly hubName: string;
  readonly functionCount: number;
  readonly workerRestarts: number;
  readonly worker: { readonly pid: number | null; readonly memoryBytes: number | null };
  readonly running: { readonly turns: number; readonly activities: number; readonly activitiesWaiting: number };
  readonly stateFiles: {
    readonly folder: string;
    readonly schemaVersion: number;
    readonly databaseBytes: number;
    readonly logBytes: number;
    readonly takesWrites: boolean;
  };
  /** Bindings of the app that are not served here, in words. */
  readonly unsupported: readonly string[];
};

/** The host's own pages: `/admin/host/ping` and `/admin/host/status`. */
export function adminApi(request: ApiRequest, status: () => HostStatus): ApiResponse {
  const [area, page] = request.segments;
  if (area !== 'host' || request.segments.length !== 2) return notFound;
  if (page === 'ping' && ['GET', 'POST'].includes(request.method)) return { status: 200 };
  if (page === 'status' && request.method === 'GET') return { status: 200, body: { id: 'hyperferry', ...status() } };
  return notFound;
}
