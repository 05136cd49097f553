import { hostId } from '../ids';
import { requestOfKind, strictlyOf } from './of-kind';
import { heartbeatWaitMsMax, movedByHypervisor, noByteRoute } from './shapes';

const kind = 'quick';

/** Quick migration: the VM is saved, its role goes to another node of the cluster, and it starts there from its saved state. */
export const quickRequest = requestOfKind(
  kind,
  {
    destinationHost: hostId,
    policy: strictlyOf(kind, { heartbeatWaitMsMax }, movedByHypervisor).prefault({}),
  },
  {
    destinationFolder: 'the files of the VM stay where they are',
    destinationSwitch: 'it keeps the switch of the same name',
    role: 'its role goes along',
    route: noByteRoute,
  },
);
