import { z } from 'zod';
import { batchStatus, type BatchRequest, type BatchStatus } from '../../contracts/batch';
import { hostFacts, vmFacts, type VmFacts } from '../../contracts/facts';
import { failure } from '../../contracts/failure';
import { batchId, hostId, migrationId, type BatchId, type HostId, type MigrationId } from '../../contracts/ids';
import {
  migrationStatus,
  type Answer,
  type MigrationRequest,
  type MigrationStatus,
  type RunState,
} from '../../contracts/migration';
import { preflightAnswer, type PreflightAnswer } from '../../contracts/preflight';
import { receipt, receiptKey, type Receipt, type ReceiptKey } from '../../contracts/receipt';
import type { ApiResult } from './errors';
import { callApi } from './http';

/** One item of `GET /hosts`. */
export const hostItem = z.object({
  hostId,
  reachable: z.boolean(),
  facts: hostFacts.nullable(),
  failure: failure.nullable(),
});
export type HostItem = z.infer<typeof hostItem>;

/** A receipt, and the document just as it came: only that one can be verified. */
export type SignedReceipt = { readonly document: unknown; readonly receipt: Receipt };
const signedReceipt = z.unknown().transform((document, context): SignedReceipt => {
  const parsed = receipt.safeParse(document);
  if (parsed.success) return { document, receipt: parsed.data };
  context.addIssue(`not a receipt: ${parsed.error.message}`);
  return z.NEVER;
});

export type Page<T> = { readonly items: T[]; readonly next: string | null };
const pageOf = <T>(item: z.ZodType<T>): z.ZodType<Page<T>> =>
  z.object({ items: z.array(item), next: z.string().nullable() });

// What an accepted request answers beyond its id is for programs that follow links; this one asks for the status.
const acceptedMigration = z.object({ id: migrationId });
const acceptedBatch = z.object({ id: batchId });

export type MigrationFilter = { readonly state?: RunState | undefined; readonly top?: number | undefined };

/** The HTTP interface of hyperferry, typed. Every method answers a value or why there is none; none throws. */
export interface HyperferryApi {
  readonly baseUrl: string;
  startMigration(request: MigrationRequest): Promise<ApiResult<{ id: MigrationId }>>;
  /** What would be found before a run; changes nothing. */
  preflight(request: MigrationRequest): Promise<ApiResult<PreflightAnswer>>;
  migrations(filter: MigrationFilter): Promise<ApiResult<Page<MigrationStatus>>>;
  migration(id: MigrationId): Promise<ApiResult<MigrationStatus>>;
  cancel(id: MigrationId, reason: string): Promise<ApiResult<unknown>>;
  /** Stops the copying while the VM runs, or lets it go on. */
  hold(id: MigrationId, command: 'pause' | 'resume'): Promise<ApiResult<unknown>>;
  answer(id: MigrationId, questionId: string, answer: Answer): Promise<ApiResult<unknown>>;
  receipt(id: MigrationId): Promise<ApiResult<SignedReceipt>>;
  receiptKey(): Promise<ApiResult<ReceiptKey>>;
  hosts(): Promise<ApiResult<Page<HostItem>>>;
  vms(host: HostId): Promise<ApiResult<Page<VmFacts>>>;
  submitBatch(request: BatchRequest): Promise<ApiResult<{ id: BatchId }>>;
  batches(): Promise<ApiResult<Page<BatchStatus>>>;
  batch(id: BatchId): Promise<ApiResult<BatchStatus>>;
}

export type ApiOptions = {
  /** With the path below which the interface lies, such as `http://127.0.0.1:7071/api`. */
  readonly baseUrl: string;
  readonly key?: string | undefined;
  readonly timeoutMs?: number;
};

// The answer to GET /hosts waits for every agent, each within the 55 s of a relay call.
const timeoutMsDefault = 60_000;

/** A client of the interface at `baseUrl`. */
export function createApi(options: ApiOptions): HyperferryApi {
  const base = options.baseUrl.replace(/\/+$/, '');
  const common = { key: options.key, timeoutMs: options.timeoutMs ?? timeoutMsDefault };
  const get = <T>(path: string, schema: z.ZodType<T>): Promise<ApiResult<T>> =>
    callApi({ ...common, method: 'GET', url: new URL(base + path) }, schema);
  const post = <T>(path: string, body: unknown, schema: z.ZodType<T>): Promise<ApiResult<T>> =>
    callApi({ ...common, method: 'POST', url: new URL(base + path), body }, schema);
  const id = encodeURIComponent;
  return {
    baseUrl: base,
    startMigration: (request) => post('/migrations', request, acceptedMigration),
    preflight: (request) => post('/preflight', request, preflightAnswer),
    migrations: ({ state, top }) => {
      const query = new URLSearchParams();
      if (state !== undefined) query.set('state', state);
      if (top !== undefined) query.set('top', String(top));
      const text = query.toString();
      return get(`/migrations${text === '' ? '' : `?${text}`}`, pageOf(migrationStatus));
    },
    migration: (migration) => get(`/migrations/${id(migration)}`, migrationStatus),
    cancel: (migration, reason) => post(`/migrations/${id(migration)}/cancel`, { reason }, z.unknown()),
    hold: (migration, command) => post(`/migrations/${id(migration)}/${command}`, {}, z.unknown()),
    answer: (migration, questionId, answer) =>
      post(`/migrations/${id(migration)}/answer`, { questionId, answer }, z.unknown()),
    receipt: (migration) => get(`/migrations/${id(migration)}/receipt`, signedReceipt),
    receiptKey: () => get('/receipt-key', receiptKey),
    hosts: () => get('/hosts', pageOf(hostItem)),
    vms: (host) => get(`/hosts/${id(host)}/vms`, pageOf(vmFacts)),
    submitBatch: (request) => post('/batches', request, acceptedBatch),
    batches: () => get('/batches', pageOf(batchStatus)),
    batch: (batch) => get(`/batches/${id(batch)}`, batchStatus),
  };
}
