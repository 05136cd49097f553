import { describeThrown } from '../../../contracts/failure';
import type { StagingAccess } from '../../../contracts/operations';
import { codeOf, containerOf, inTime, isRestError, statusOf } from './azure-container';
import { StoreError, type BlockStore } from './block-store';

/** One request, a block both ways included, on a line on which anything can be staged at all. */
const requestMsMax = 120_000;

/**
 * A container of Blob Storage, or of Azurite, as the access to it says. It repeats nothing itself: who is patient is above it. A request that
 * is not answered, to its last byte, within `msMax` milliseconds is given up as `away`.
 */
export function azureStore(access: StagingAccess, signal: AbortSignal, msMax: number = requestMsMax): BlockStore {
  const container = containerOf(access, msMax);
  const ask = <T>(name: string, work: (until: AbortSignal) => Promise<T>, ...absent: [] | [T]): Promise<T> =>
    asked(name, () => inTime(msMax, signal, work), ...absent);
  const has = async (name: string, abortSignal: AbortSignal): Promise<boolean> => {
    await container.getBlobClient(name).getProperties({ abortSignal });
    return true;
  };
  return {
    has: (name) => ask(name, (until) => has(name, until), false),
    put: (name, bytes) =>
      ask(name, async (abortSignal) => {
        try {
          const conditions = { ifNoneMatch: '*' };
          await container.getBlockBlobClient(name).upload(bytes, bytes.length, { conditions, abortSignal });
          return 'put';
        } catch (thrown) {
          if (codeOf(thrown) === 'BlobAlreadyExists') return 'there';
          // Who may add and not replace is refused by what is there already.
          if (statusOf(thrown) === 403 && (await has(name, abortSignal).catch(() => false))) return 'there';
          throw thrown;
        }
      }),
    get: (name, bytesMax) =>
      ask(
        name,
        async (abortSignal) => {
          const answer = await container.getBlobClient(name).download(0, undefined, { abortSignal });
          return collected(name, answer.readableStreamBody, bytesMax);
        },
        undefined,
      ),
  };
}

/** `absent`, where it is given, is the answer when there is no such blob. */
async function asked<T>(name: string, work: () => Promise<T>, ...absent: [] | [T]): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    if (thrown instanceof StoreError) throw thrown;
    const [none] = absent;
    // A head has no body, so its 404 comes without a code unless the header has it.
    if (absent.length > 0 && statusOf(thrown) === 404 && codeOf(thrown) !== 'ContainerNotFound') return none as T;
    throw new StoreError(troubleOf(thrown), messageOf(name, thrown), { cause: thrown });
  }
}

async function collected(name: string, body: NodeJS.ReadableStream | undefined, bytesMax: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let lengthBytes = 0;
  for await (const piece of body ?? []) {
    const bytes = typeof piece === 'string' ? Buffer.from(piece) : piece;
    lengthBytes += bytes.length;
    if (lengthBytes > bytesMax) throw new StoreError('too-long', `${name} is longer than ${bytesMax} bytes`);
    pieces.push(bytes);
  }
  return Buffer.concat(pieces, lengthBytes);
}

function troubleOf(thrown: unknown): StoreError['trouble'] {
  const status = statusOf(thrown);
  if (status === 401 || status === 403) return 'no-access';
  if (status === 404) return 'gone';
  // A connection that failed, a timeout, 408, 409 while a container is made, 412 of a lease, 429, 500, 503 and whatever else passes.
  return 'away';
}

/** Names what was asked and what storage said; never the URL, which holds the signature. */
function messageOf(name: string, thrown: unknown): string {
  const status = statusOf(thrown);
  const said = codeOf(thrown) ?? (isRestError(thrown) ? 'no answer' : describeThrown(thrown));
  return `staging storage, ${name}: ${status === undefined ? '' : `${status} `}${said}`;
}
