import { requestOfKind, strictlyOf } from './of-kind';
import { destinationFolder, heartbeatWaitMsMax, movedByHypervisor, noByteRoute } from './shapes';

const kind = 'storage';

/** Storage migration: the files of a VM move to another folder of its own host while it runs. */
export const storageRequest = requestOfKind(
  kind,
  {
    destinationFolder,
    policy: strictlyOf(kind, { heartbeatWaitMsMax }, movedByHypervisor).prefault({}),
  },
  { destinationHost: 'the VM stays on its host', destinationSwitch: 'the VM stays on its host', route: noByteRoute },
);
