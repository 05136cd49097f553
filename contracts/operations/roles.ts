import { z } from 'zod';
import { nothing, ofVm, type OperationDefinition } from './shapes';

/** A DWORD of a cluster. */
const dword = z.int().min(0).max(0xffff_ffff);
/** Names of computers; Windows takes them in either case. */
const nodes = z.array(z.string().regex(/^[A-Za-z0-9_.-]{1,255}$/)).max(100);

/**
 * What somebody may have set of the role of a VM, in the cluster's own numbers (Microsoft: common properties of cluster groups). Not among it
 * is what the cluster keeps elsewhere under the role's name: group sets, dependencies between groups, affinity rules.
 */
export const roleSettings = z.object({
  /** Of the group; that of a role need not be the name of its VM. */
  name: z.string().min(1).max(260),
  /** 3000 high, 2000 medium, 1000 low, 0 is not started by itself. */
  priority: dword,
  /** Nodes that it is to be on, best first; empty where it is all the same. */
  preferredOwners: nodes,
  /** Nodes that it may be on; null where that is each node of the cluster. */
  possibleOwners: nodes.nullable(),
  /** How often it may fail over in so many hours. */
  failoverThreshold: dword,
  failoverPeriodHours: dword,
  /** 1: it goes back to the first of the preferred owners by itself, between the two hours (0xffffffff: at any time). */
  autoFailbackType: dword,
  failbackWindowStart: dword,
  failbackWindowEnd: dword,
  /** Roles that share one of them are kept on different nodes, where that can be. */
  antiAffinityClassNames: z.array(z.string().min(1).max(260)).max(100),
});
export type RoleSettings = z.infer<typeof roleSettings>;

/** A role as it was before a run removed it. */
export const removedRole = z.object({ clusterName: z.string(), settings: roleSettings });
export type RemovedRole = z.infer<typeof removedRole>;

/** A role as a run made it. */
export const madeRole = z.object({
  clusterName: z.string(),
  name: z.string(),
  /** Settings that the role does not have here: those that name nodes of another cluster, and a name that is taken. */
  without: z.array(z.string()),
});
export type MadeRole = z.infer<typeof madeRole>;

/**
 * Kinds that take a VM off its cluster remove its role first, or the cluster would start it again. The VM stays as it is: it runs on, and no
 * node would start it anew if this one failed.
 */
export const roleOperations = {
  /** Removes the role of the VM from its cluster, and tells what it was; null where it is none. */
  'remove-role': {
    input: ofVm,
    output: z.object({ removed: removedRole.nullable() }),
    afterStart: 'refused',
  },
  /** Makes the role again that this run removed here, as it was. Does nothing where there is nothing to restore. */
  'restore-role': { input: ofVm, output: nothing, afterStart: 'refused' },
  /** Makes the VM that this run brought here a role of this host's cluster, with such settings as apply here. */
  'make-role': {
    input: ofVm.extend({ settings: roleSettings.nullable() }),
    output: madeRole,
    afterStart: 'allowed',
  },
} as const satisfies Record<string, OperationDefinition>;
