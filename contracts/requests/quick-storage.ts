import { hostId } from '../ids';
import { requestOfKind, strictlyOf } from './of-kind';
import { seeds } from './seeds';
import {
  bandwidthBytesPerSecondMax,
  bandwidthHours,
  destinationFolder,
  destinationSwitch,
  heartbeatWaitMsMax,
  retire,
  role,
  route,
  verify,
} from './shapes';

const kind = 'quick-storage';

export const quickStorageRequest = requestOfKind(
  kind,
  {
    destinationHost: hostId,
    destinationFolder,
    destinationSwitch,
    seeds: seeds.optional(),
    route,
    role,
    policy: strictlyOf(kind, {
      bandwidthBytesPerSecondMax,
      bandwidthHours,
      retire,
      verify,
      heartbeatWaitMsMax,
    }).prefault({}),
  },
  { convertTo: 'the VM arrives with its memory, and its guest knows the disks as they are' },
);
