import { DefaultAzureCredential } from '@azure/identity';
import { BlobServiceClient, type StoragePipelineOptions } from '@azure/storage-blob';
import type { Settings } from '../settings';

/** Storage that does not answer must not hold an activity: orchestrators retry with durable timers. */
const pipeline: StoragePipelineOptions = {
  retryOptions: { maxTries: 3, tryTimeoutInMs: 10_000, retryDelayInMs: 300, maxRetryDelayInMs: 2_000 },
};

/** The app's storage: by connection string (Azurite), or by the account's name or address with the app's identity. Throws when none is set. */
export function blobServiceFrom(settings: Settings): BlobServiceClient {
  const { AzureWebJobsStorage: connection, AzureWebJobsStorage__accountName: account } = settings;
  if (connection !== undefined && connection !== '')
    return BlobServiceClient.fromConnectionString(connection, pipeline);
  const address =
    settings.AzureWebJobsStorage__blobServiceUri ??
    (account === undefined ? undefined : `https://${account}.blob.core.windows.net`);
  if (address === undefined) throw new Error('Set AzureWebJobsStorage, or AzureWebJobsStorage__accountName.');
  const clientId = settings.AzureWebJobsStorage__clientId;
  const credential = new DefaultAzureCredential(clientId === undefined ? {} : { managedIdentityClientId: clientId });
  return new BlobServiceClient(address, credential, pipeline);
}
