import type { StagingContainers } from '../../activities/staging/containers';
import { failed, failureOf } from '../../contracts/failure';

const noContainer = failed(failureOf('StorageUnavailable', { message: 'there is no storage here' }));

/** An app without storage for the staged route: a container would be one that cannot be reached. */
export const noContainers: StagingContainers = {
  create: async () => noContainer,
  remove: async () => noContainer,
  accessTo: async () => noContainer,
};
