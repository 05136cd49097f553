import { hostId } from '../ids';
import { requestOfKind, strictlyOf } from './of-kind';
import { seeds } from './seeds';
import {
  approve,
  bandwidthBytesPerSecondMax,
  bandwidthHours,
  convertTo,
  destinationFolder,
  destinationSwitch,
  heartbeatWaitMsMax,
  ifNotShrinking,
  outageMsMax,
  retire,
  role,
  route,
  roundsMax,
  stop,
  verify,
} from './shapes';

const kind = 'warm';

export const warmRequest = requestOfKind(kind, {
  destinationHost: hostId,
  destinationFolder,
  destinationSwitch,
  convertTo,
  seeds: seeds.optional(),
  route,
  role,
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
