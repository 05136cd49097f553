import { z } from 'zod';
import { hostId } from '../../../../contracts/ids';
import { ofVm } from './vm';

/** The group of a cluster that holds a VM, in the cluster's own words; null where the VM is no role. */
export const roleValue = z.object({
  role: z.object({ owner: z.string(), state: z.string() }).nullable(),
});
export type RoleValue = NonNullable<z.infer<typeof roleValue>['role']>;

export const moveRoleArguments = ofVm.extend({ Node: hostId });
