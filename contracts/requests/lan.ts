import { hostId } from '../ids';
import { requestOfKind, strictlyOf } from './of-kind';
import { seeds } from './seeds';
import {
  bandwidthBytesPerSecondMax,
  bandwidthHours,
  convertTo,
  destinationFolder,
  destinationSwitch,
  heartbeatWaitMsMax,
  retire,
  role,
  route,
  stop,
  verify,
} from './shapes';

const kind = 'lan';

export const lanRequest = requestOfKind(kind, {
  destinationHost: hostId,
  destinationFolder,
  destinationSwitch,
  convertTo,
  seeds: seeds.optional(),
  route,
  role,
  policy: strictlyOf(
    kind,
    { bandwidthBytesPerSecondMax, bandwidthHours, stop, retire, verify, heartbeatWaitMsMax },
    { outageMsMax: 'the VM is stopped for the whole copy' },
  ).prefault({}),
});
