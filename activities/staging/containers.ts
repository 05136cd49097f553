import {
  ContainerSASPermissions,
  generateBlobSASQueryParameters,
  SASProtocol,
  StorageSharedKeyCredential,
  type BlobServiceClient,
  type UserDelegationKey,
} from '@azure/storage-blob';
import { describeThrown, failed, failureOf, succeeded, type Outcome } from '../../contracts/failure';
import { stagingAccessMs } from '../../contracts/limits';
import type { StagingAccess } from '../../contracts/operations';

/** What an agent may do: add blobs and read them, or read alone. Nobody may replace, remove or list any. */
export const stagingRights = { source: 'rc', destination: 'r' } as const;
export type StagingSide = keyof typeof stagingRights;

/** Containers for staged blocks, and who may use them for how long. */
export type StagingContainers = {
  create(name: string): Promise<Outcome<'created' | 'there'>>;
  /** One that is gone is removed already. */
  remove(name: string): Promise<Outcome<void>>;
  accessTo(name: string, side: StagingSide, now: Date): Promise<Outcome<StagingAccess>>;
};

/** Clocks differ, and access that begins in the future is refused. */
const earlierMs = 15 * 60_000;
/** A delegation key is asked for once for so long. */
const delegationMs = 24 * 3_600_000;

/**
 * Containers of a storage account. Access is signed with a user delegation key of the app's identity, or, where the app has an account key,
 * which is so with an emulator alone, with that. Failures are StorageUnavailable.
 */
export class BlobStagingContainers implements StagingContainers {
  readonly #service: BlobServiceClient;
  #delegation: { readonly key: UserDelegationKey; readonly untilMs: number } | undefined;

  constructor(service: BlobServiceClient) {
    this.#service = service;
  }

  create(name: string): Promise<Outcome<'created' | 'there'>> {
    return attempt(name, async () => {
      const { succeeded: isNew } = await this.#service.getContainerClient(name).createIfNotExists();
      return isNew ? 'created' : 'there';
    });
  }

  remove(name: string): Promise<Outcome<void>> {
    return attempt(name, async () => {
      await this.#service.getContainerClient(name).deleteIfExists();
    });
  }

  accessTo(name: string, side: StagingSide, now: Date): Promise<Outcome<StagingAccess>> {
    return attempt(name, async () => {
      const expiresAtMs = now.getTime() + stagingAccessMs;
      const { credential, accountName } = this.#service;
      const values = {
        containerName: name,
        permissions: ContainerSASPermissions.parse(stagingRights[side]),
        startsOn: new Date(now.getTime() - earlierMs),
        expiresOn: new Date(expiresAtMs),
      };
      const sas =
        credential instanceof StorageSharedKeyCredential
          ? generateBlobSASQueryParameters({ ...values, protocol: SASProtocol.HttpsAndHttp }, credential)
          : generateBlobSASQueryParameters(
              { ...values, protocol: SASProtocol.Https },
              await this.#delegationKey(now.getTime(), expiresAtMs),
              accountName,
            );
      return { containerUrl: this.#service.getContainerClient(name).url, sas: sas.toString(), expiresAtMs };
    });
  }

  async #delegationKey(nowMs: number, untilMs: number): Promise<UserDelegationKey> {
    if (this.#delegation === undefined || this.#delegation.untilMs < untilMs) {
      const endMs = nowMs + delegationMs;
      const key = await this.#service.getUserDelegationKey(new Date(nowMs - earlierMs), new Date(endMs));
      this.#delegation = { key, untilMs: endMs };
    }
    return this.#delegation.key;
  }
}

async function attempt<T>(name: string, work: () => Promise<T>): Promise<Outcome<T>> {
  try {
    return succeeded(await work());
  } catch (thrown) {
    const message = `Blob Storage, container ${name}: ${describeThrown(thrown)}`;
    return failed(failureOf('StorageUnavailable', { message }));
  }
}
