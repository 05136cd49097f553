import { hostId } from '../ids';
import { requestOfKind, strictlyOf } from './of-kind';
import { destinationSwitch, heartbeatWaitMsMax, movedByHypervisor, noByteRoute } from './shapes';

const kind = 'san';

/** SAN migration: the VM is saved, and the LUN that holds all its files is taken from the one host and given to the other. */
export const sanRequest = requestOfKind(
  kind,
  {
    destinationHost: hostId,
    destinationSwitch,
    policy: strictlyOf(kind, { heartbeatWaitMsMax }, movedByHypervisor).prefault({}),
  },
  { destinationFolder: 'the LUN has the same path at both hosts', route: noByteRoute },
);
