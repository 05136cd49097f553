import { z } from 'zod';
import { madeSwitchName } from '../../../../contracts/switches';

/** A virtual switch as scripts/handlers/switches.ps1 tells it, in Hyper-V's own words. */
export const switchValue = z.object({ id: z.guid(), name: z.string(), type: z.string(), notes: z.string() });
export type SwitchValue = z.infer<typeof switchValue>;

const notes = z.string().max(65_536);
/** By its id, since names are not unique, and with the notes that the caller has read. */
const ofSwitch = z.object({ SwitchId: z.guid(), Expected: notes });

export const switchesArguments = z.object({});
export const switchesValue = z.object({ switches: z.array(switchValue) });

export const makeSwitchArguments = z.object({
  Name: madeSwitchName,
  Type: z.enum(['Private', 'Internal']),
  Notes: z.string().min(1).max(1024),
});
export const switchNotesArguments = ofSwitch.extend({ Notes: notes });

export const removeSwitchArguments = ofSwitch;
/** `usedBy`: a VM that is connected to it, which keeps it there. */
export const removedSwitch = z.object({ usedBy: z.string().nullable() });
