import type { StagingContainers } from '../../../activities/staging/containers';
import { StoreError, type BlockStore } from '../../../agent/disks/staged/block-store';
import type { StorageLook } from '../../../agent/disks/staged/look-at-storage';
import { failed, failureOf } from '../../../contracts/failure';

/** No plan draws the staged route yet: a container would be one that cannot be reached. */
export const noStaging = (): BlockStore => {
  const away = (): Promise<never> =>
    Promise.reject(new StoreError('away', 'the simulated world has no staging container'));
  return { has: away, put: away, get: away };
};

export const noStorage: StorageLook = async ({ containerUrl }) => ({
  endpoint: new URL(containerUrl).origin,
  meets: 'not-connected',
  told: 'the simulated world has no storage',
  aheadMs: null,
});

const noContainer = failed(
  failureOf('StorageUnavailable', { message: 'the simulated world has no staging container' }),
);
export const noContainers: StagingContainers = {
  create: async () => noContainer,
  remove: async () => noContainer,
  accessTo: async () => noContainer,
};
