import { hostId } from '../ids';
import { requestOfKind, strictlyOf } from './of-kind';
import { heartbeatWaitMsMax, movedByHypervisor, noByteRoute } from './shapes';

const kind = 'live';

/** Live migration: the VM runs on at another node of its cluster, or at another host that reaches the same files. */
export const liveRequest = requestOfKind(
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
