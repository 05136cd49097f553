import { hostId } from '../ids';
import { requestOfKind, strictlyOf } from './of-kind';
import {
  destinationFolder,
  destinationSwitch,
  heartbeatWaitMsMax,
  movedByHypervisor,
  noByteRoute,
  role,
} from './shapes';

const kind = 'shared-nothing';

/** Shared-nothing live migration: the VM runs on at another host, and all its files go with it. */
export const sharedNothingRequest = requestOfKind(
  kind,
  {
    destinationHost: hostId,
    destinationFolder,
    destinationSwitch,
    role,
    policy: strictlyOf(kind, { heartbeatWaitMsMax }, movedByHypervisor).prefault({}),
  },
  { route: noByteRoute },
);
