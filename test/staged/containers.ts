import {
  BlobServiceClient,
  ContainerSASPermissions,
  generateBlobSASQueryParameters,
  SASProtocol,
  StorageSharedKeyCredential,
} from '@azure/storage-blob';
import type { StagingAccess } from '../../contracts/operations';

export type StagingContainer = {
  readonly client: ReturnType<BlobServiceClient['getContainerClient']>;
  /** Access with these rights, `rc` for one that stages. */
  readonly access: (rights: string, validMs: number) => StagingAccess;
};

/** A new container of a running Azurite. */
export async function newContainer(connectionString: string, name: string): Promise<StagingContainer> {
  const service = BlobServiceClient.fromConnectionString(connectionString, { retryOptions: { maxTries: 8 } });
  const client = service.getContainerClient(name);
  await client.createIfNotExists();
  const { credential } = service;
  if (!(credential instanceof StorageSharedKeyCredential)) throw new Error('an emulator is used with its key');
  return {
    client,
    access: (rights, validMs) => {
      const expiresAtMs = Date.now() + validMs;
      const sas = generateBlobSASQueryParameters(
        {
          containerName: name,
          permissions: ContainerSASPermissions.parse(rights),
          expiresOn: new Date(expiresAtMs),
          protocol: SASProtocol.HttpsAndHttp,
        },
        credential,
      );
      return { containerUrl: client.url, sas: sas.toString(), expiresAtMs };
    },
  };
}
