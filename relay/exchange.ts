import type { Failure } from '../contracts/failure';

/** A request as the agent gets it. */
export type RelayRequest = {
  readonly method: string;
  /** Path and query within the agent, such as `/v1/vms?next=3`: the name of the hybrid connection is taken off. */
  readonly path: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
};

/** What the agent answers. Never with 502 or 504: those are the relay's words. */
export type RelayResponse = {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
};

export type RequestHandler = (request: RelayRequest) => Promise<RelayResponse>;

export const jsonResponse = (status: number, value: unknown): RelayResponse => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(value),
});

/** A failure on the wire: `{ "failure": … }`, which the client hands on as it is. */
export const failureResponse = (status: number, failure: Failure): RelayResponse => jsonResponse(status, { failure });

export const bytesOf = (body: string | Uint8Array | undefined): Uint8Array =>
  typeof body === 'string' ? Buffer.from(body) : (body ?? new Uint8Array());
