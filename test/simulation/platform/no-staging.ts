import { StoreError, type BlockStore } from '../../../agent/disks/staged/block-store';

/** No plan draws the staged route yet: a container would be one that cannot be reached. */
export const noStaging = (): BlockStore => {
  const away = (): Promise<never> =>
    Promise.reject(new StoreError('away', 'the simulated world has no staging container'));
  return { has: away, put: away, get: away };
};
