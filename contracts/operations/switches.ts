import { z } from 'zod';
import { madeSwitchName, madeSwitchTypes } from '../switches';
import { ofVm, type OperationDefinition } from './shapes';

export const switchOperations = {
  /**
   * Makes a virtual switch, with a mark of this run. One of that name and type that is there is used as it is; one of another type is refused
   * (`SwitchUnfit`). While the run lasts, no other run removes the switch that it uses. `release` takes the mark off once the VM is here.
   */
  'make-switch': {
    input: ofVm.extend({ name: madeSwitchName, type: z.enum(madeSwitchTypes) }),
    output: z.object({
      /** Whether this run made it. */
      made: z.boolean(),
    }),
    afterStart: 'allowed',
  },
  /** Removes the switch that this run made. One that a VM or another run uses by now stays, with the mark of this run. */
  'remove-switch': {
    input: ofVm,
    output: z.object({
      /** Who keeps it there; null where nothing of this run is left. */
      usedBy: z.string().nullable(),
    }),
    afterStart: 'refused',
  },
} as const satisfies Record<string, OperationDefinition>;
