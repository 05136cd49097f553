import { describeThrown } from '../../../contracts/failure';
import type { StorageInspection } from '../../../contracts/inspection';
import type { StagingAccess } from '../../../contracts/operations';
import type { Clock } from '../../clock';
import { errorCode, isAbort } from '../../thrown';
import { codeOf, containerOf, headerOf, inTime, statusOf } from './azure-container';

/** An inspection is answered within 30 s, and Hyper-V is asked meanwhile. */
const lookMsMax = 10_000;
/** A blob that nobody puts. */
const blobName = 'hyperferry-look';

/** Asks storage with an access to read. Never rejects, and leaves nothing there. */
export type StorageLook = (access: StagingAccess, clock: Pick<Clock, 'now'>) => Promise<StorageInspection>;

type Answer = {
  /** Undefined where there was no answer. */
  readonly status: number | undefined;
  /** Only Blob Storage numbers its answers. */
  readonly isOfStorage: boolean;
  readonly date: Date | undefined;
  readonly told: string;
  readonly code: string | undefined;
  readonly isLate: boolean;
};

/**
 * One request without a body, on the way that the operations of the staged route take: the same client, the same proxy. The container need not
 * be there, since storage says that it is not only to those whose access it takes. It is given up after `msMax` milliseconds.
 */
export async function lookAtStorage(
  access: StagingAccess,
  clock: Pick<Clock, 'now'>,
  msMax: number = lookMsMax,
): Promise<StorageInspection> {
  const askedAtMs = clock.now();
  const answer = await ask(access, msMax);
  const midMs = (askedAtMs + clock.now()) / 2;
  const meets = metBy(answer);
  // A date has whole seconds: on average half of one is missing.
  const theirsMs = answer.isOfStorage && answer.date !== undefined ? answer.date.getTime() + 500 : Number.NaN;
  const aheadMs = Number.isNaN(theirsMs) ? null : Math.round(midMs - theirsMs);
  return { endpoint: new URL(access.containerUrl).origin, meets, told: answer.told, aheadMs };
}

async function ask(access: StagingAccess, msMax: number): Promise<Answer> {
  const { signal } = new AbortController();
  try {
    const blob = containerOf(access, msMax).getBlobClient(blobName);
    const { requestId, date } = await inTime(msMax, signal, (abortSignal) => blob.getProperties({ abortSignal }));
    const isOfStorage = requestId !== undefined;
    return { status: 200, isOfStorage, date, told: '200', code: undefined, isLate: false };
  } catch (thrown) {
    const status = statusOf(thrown);
    const code = codeOf(thrown) ?? errorCode(thrown);
    const date = headerOf(thrown, 'date');
    const isLate = isAbort(thrown);
    const isOfStorage = headerOf(thrown, 'x-ms-request-id') !== undefined;
    const told = isLate ? `no answer in ${msMax / 1000} s` : toldBy(thrown, status, code);
    return { status, isOfStorage, date: date === undefined ? undefined : new Date(date), told, code, isLate };
  }
}

/** Never the URL, which holds the signature. */
function toldBy(thrown: unknown, status: number | undefined, code: string | undefined): string {
  if (status !== undefined) return code === undefined ? `${status}` : `${status} ${code}`;
  const message = describeThrown(thrown);
  return message.includes('sig=') ? (code ?? 'no answer') : message;
}

function metBy({ status, isOfStorage, code, isLate }: Answer): StorageInspection['meets'] {
  if (isLate) return 'silent';
  if (status === undefined) return metOnTheWay(code ?? '');
  if (!isOfStorage) return 'answered-on-the-way';
  if (status < 300 || status === 404) return 'admitted';
  // What storage answers to a network that its firewall does not admit; access that does not suffice has codes of its own.
  if (status === 403 && (code === 'AuthorizationFailure' || code === 'AuthorizationSourceIPMismatch'))
    return 'network-refused';
  return status === 408 || status === 429 || status >= 500 ? 'storage-failing' : 'access-refused';
}

/** By the codes of Node and of OpenSSL (Node.js: Errors, "Common system errors"; TLS, "X509 certificate error codes"). */
function metOnTheWay(code: string): StorageInspection['meets'] {
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'name-not-resolved';
  const isOfCertificate = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|^CRL_|HOSTNAME_MISMATCH/.test(code);
  return isOfCertificate ? 'certificate-refused' : 'not-connected';
}
