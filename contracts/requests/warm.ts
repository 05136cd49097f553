import { hostId } from '../ids';
import { requestOfKind, strictlyOf } from './of-kind';
import { seeds } from './seeds';
import {
  approve,
  bandwidthBytesPerSecondMax,
  bandwidthHours,
  destinationFolder,
  destinationSwitch,
  heartbeatWaitMsMax,
  ifNotShrinking,
  outageMsMax,
  retire,
  roundsMax,
  stop,
  verify,
} from './shapes';

const kind = 'warm';

export const warmRequest = requestOfKind(kind, {
  destinationHost: hostId,
  destinationFolder,
  destinationSwitch,
  seeds: seeds.optional(),
  policy: strictlyOf(kind, {
    bandwidthBytesPerSecondMax,
    bandwidthHours,
    outageMsMax,
    ifNotShrinking,
    roundsMax,
    approve,
    stop,
    retire,
    verify,
    heartbeatWaitMsMax,
  }).prefault({}),
});
