import { z } from 'zod';
import { nothing, ofPlace, ofVm, type OperationDefinition } from './shapes';

const ofLun = ofVm.extend({ lun: z.string().min(1).max(100) });

/**
 * A disk of a SAN that is moved with the one VM on it. A host has it when it is online there; that the array shows it to that host alone is
 * more than every driver can do.
 */
export const lunOperations = {
  /** Writes the VM's configuration to its LUN, from where the other host registers it. */
  'write-configuration': { input: ofVm, output: nothing, afterStart: 'allowed' },
  'remove-configuration': { input: ofVm, output: nothing, afterStart: 'refused' },
  /** Takes the LUN offline on this host, and gives it up. Refuses while a VM on it could run here. */
  'detach-lun': { input: ofLun, output: nothing, afterStart: 'refused' },
  /** Brings the LUN online on this host. Refuses while another host has it, as far as that can be known. */
  'attach-lun': { input: ofLun, output: nothing, afterStart: 'refused' },
  /** Undo of a detach, at the source: gives this host the LUN back that this run detached. Refuses while another host has it. */
  'reattach-lun': { input: ofVm, output: nothing, afterStart: 'refused' },
  /** Undo of an attach, at the destination: takes the LUN that this run attached from this host. */
  'surrender-lun': { input: ofVm, output: nothing, afterStart: 'refused' },
  /** Registers the VM in place, as a planned VM that cannot start yet. */
  'register-vm': {
    input: ofPlace.extend({ switchName: z.string().nullable() }),
    output: z.object({ changes: z.array(z.string()) }),
    afterStart: 'refused',
  },
  /** Removes the registration of the planned VM; its files stay. */
  'unregister-vm': { input: ofVm, output: nothing, afterStart: 'refused' },
  /** Removes the fenced registration of a source whose LUN has gone to the destination; its files went with it. */
  'forget-source': { input: ofVm, output: nothing, afterStart: 'source-only' },
} as const satisfies Record<string, OperationDefinition>;
