import { runtimeStatuses, type InstanceFilter, type InstanceRow } from '../engine/store';
import { jsonOrText, queryFlag, queryNumber, queryTimeMs, type ApiRequest } from './exchange';

/** Instances of one page when the client names no number; the Azure Storage provider's. */
const pageSizeDefault = 100;
const pageSizeMax = 1000;
export const continuationHeader = 'x-ms-continuation-token';

/** How many items of a list the client wants at once. */
export const pageSize = (query: URLSearchParams): number =>
  Math.min(Math.max(Math.trunc(queryNumber(query, 'top') ?? pageSizeDefault), 1), pageSizeMax);

/** A token is the id to go on after; ids may hold anything, headers may not. */
export const tokenText = (next: string | undefined): string =>
  next === undefined ? '' : Buffer.from(next).toString('base64url');
export const tokenOf = (request: ApiRequest): string =>
  Buffer.from(request.headers[continuationHeader] ?? '', 'base64url').toString('utf8');

/** An unknown status is no filter at all, as in the extension. */
export function filterOf(query: URLSearchParams): InstanceFilter {
  const named = [...query]
    .filter(([key]) => key.toLowerCase() === 'runtimestatus')
    .flatMap(([, value]) => value.split(','));
  const statuses = runtimeStatuses.filter((status) => named.includes(status));
  return {
    createdFromMs: queryTimeMs(query, 'createdTimeFrom'),
    createdToMs: queryTimeMs(query, 'createdTimeTo'),
    statuses: statuses.length === 0 ? undefined : statuses,
  };
}

const secondsText = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;

/** An instance as the API shows it. */
export const statusBody = (row: InstanceRow, query: URLSearchParams): object => ({
  name: row.name,
  instanceId: row.instanceId,
  runtimeStatus: row.status,
  input: queryFlag(query, 'showInput') === false ? null : jsonOrText(row.input),
  customStatus: jsonOrText(row.customStatus),
  output: jsonOrText(row.output),
  createdTime: secondsText(row.createdAtMs),
  lastUpdatedTime: secondsText(row.updatedAtMs),
});
