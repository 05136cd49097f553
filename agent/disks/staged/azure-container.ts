import { AnonymousCredential, ContainerClient, RestError } from '@azure/storage-blob';
import type { StagingAccess } from '../../../contracts/operations';

/** The container that an access is to. Each request is sent once: who is patient is above. */
export const containerOf = ({ containerUrl, sas }: StagingAccess, msMax: number): ContainerClient =>
  new ContainerClient(`${containerUrl}?${sas}`, new AnonymousCredential(), {
    retryOptions: { maxTries: 1, tryTimeoutInMs: msMax },
  });

/** The time that the SDK is told it asks of the server alone: for a connection that fell silent it would wait without end. */
export async function inTime<T>(
  msMax: number,
  signal: AbortSignal,
  work: (until: AbortSignal) => Promise<T>,
): Promise<T> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), msMax);
  try {
    return await work(AbortSignal.any([signal, late.signal]));
  } finally {
    clearTimeout(timer);
  }
}

/** By what the SDK puts into its errors; a test runner has realms, so not by class alone. */
export const isRestError = (thrown: unknown): thrown is RestError =>
  thrown instanceof RestError || (thrown instanceof Error && thrown.name === 'RestError');

/** The HTTP status of an answer that the SDK throws; undefined where there was none. */
export const statusOf = (thrown: unknown): number | undefined => (isRestError(thrown) ? thrown.statusCode : undefined);

export const headerOf = (thrown: unknown, name: string): string | undefined =>
  isRestError(thrown) ? thrown.response?.headers.get(name) : undefined;

/** The code that storage gives, of its body or, for a request whose answer has none, of its header; without an answer, that of the connection. */
export const codeOf = (thrown: unknown): string | undefined =>
  headerOf(thrown, 'x-ms-error-code') ?? (isRestError(thrown) ? thrown.code : undefined);
