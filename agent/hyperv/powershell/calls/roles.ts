import { z } from 'zod';
import { hostId } from '../../../../contracts/ids';
import { roleSettings } from '../../../../contracts/operations/roles';
import { ofVm } from './vm';

/** The group of a cluster that holds a VM, in the cluster's own words; null where the VM is no role. */
export const roleValue = z.object({
  role: z.object({ owner: z.string(), state: z.string() }).nullable(),
});
export type RoleValue = NonNullable<z.infer<typeof roleValue>['role']>;

export const moveRoleArguments = ofVm.extend({ Node: hostId });

const number = roleSettings.shape.priority;
/** -1 is how some tools of a cluster write the largest. */
const toldNumber = z
  .int()
  .transform((value) => (value === -1 ? 0xffff_ffff : value))
  .pipe(number);
const toldSettings = roleSettings.extend({
  priority: toldNumber,
  failoverThreshold: toldNumber,
  failoverPeriodHours: toldNumber,
  autoFailbackType: toldNumber,
  failbackWindowStart: toldNumber,
  failbackWindowEnd: toldNumber,
});

/** The cluster of this host, and what it keeps of the role of a VM; null where the VM is none. */
export const roleSettingsValue = z.object({
  clusterName: z.string(),
  nodes: z.array(z.string()),
  role: z
    .object({
      state: z.string(),
      owner: z.string(),
      /** Resources beside the two of the VM. */
      others: z.array(z.string()),
      settings: toldSettings,
    })
    .nullable(),
});
export type RoleSettingsValue = z.infer<typeof roleSettingsValue>;

export const addRoleArguments = ofVm.extend({ Name: z.string().max(260) });

const owners = roleSettings.shape.preferredOwners;
export const setRoleArguments = ofVm.extend({
  /** Which of the others are set. */
  Settings: z.array(z.string()),
  Priority: number,
  PreferredOwners: owners,
  PossibleOwners: owners,
  FailoverThreshold: number,
  FailoverPeriodHours: number,
  AutoFailbackType: number,
  FailbackWindowStart: number,
  FailbackWindowEnd: number,
  AntiAffinityClassNames: roleSettings.shape.antiAffinityClassNames,
});
