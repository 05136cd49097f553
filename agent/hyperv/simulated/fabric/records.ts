import { z } from 'zod';
import { failure } from '../../../../contracts/failure';
import { hostId, runId, vmId } from '../../../../contracts/ids';
import { nodeStates, volumeAccess } from '../../../../contracts/inspection/host';
import { vmNeeds } from '../../../../contracts/operations/moves';
import { roleSettings } from '../../../../contracts/operations/roles';
import { vmRegistration } from '../records';

/**
 * What simulated hosts share: a folder that stands for their cluster, their SAN, and the network on which one hypervisor hands a VM to
 * another. Each file has one writer, or is made and taken by one rename, so that no lock between processes is needed.
 */
const name = z.string().regex(/^[A-Za-z0-9_-]{1,50}$/);
const bytes = z.int().nonnegative();

/** `fabric.json`, written once. */
export const fabricRecord = z.object({
  schema: z.literal(1),
  cluster: z
    .object({
      name,
      nodes: z.array(hostId),
      /** Nodes that are not up. */
      nodeStates: z.record(hostId, z.enum(nodeStates)).optional(),
      hasQuorum: z.boolean().optional(),
      sharedVolumes: z.array(
        z.object({
          name,
          sizeBytes: bytes,
          /** Nodes that do not reach it directly. */
          access: z.record(hostId, z.enum(volumeAccess)).optional(),
        }),
      ),
    })
    .nullable(),
  luns: z.array(
    z.object({
      name,
      sizeBytes: bytes,
      visibleTo: z.array(hostId),
      /** Who holds a persistent reservation of it. */
      reservedBy: z.string().nullable().optional(),
    }),
  ),
});
export type FabricRecord = z.infer<typeof fabricRecord>;

/** `luns/<name>.owner.json`: the host that has the LUN. No file: it is masked from all. */
export const lunOwner = z.object({ host: hostId });

/** `roles/<vmId>.json`: the VM is a role of the cluster. */
export const roleRecord = z.object({
  schema: z.literal(1),
  vmId,
  owner: hostId,
  /** Absent: those that a cluster gives to a new role. */
  settings: roleSettings.optional(),
  /** Names of resources beside those of the VM. */
  otherResources: z.array(z.string()).default([]),
});
export type RoleRecord = z.infer<typeof roleRecord>;

/** `handovers/<vmId>/<jobId>/offer.json`, written by the host that gives a VM away. */
export const offer = z.object({
  schema: z.literal(1),
  jobId: z.guid(),
  runId,
  vmId,
  from: hostId,
  to: hostId,
  /** `role`: it is saved; `live`: it runs, its files stay; `whole`: it runs, its files come along into `folder`. */
  type: z.enum(['role', 'live', 'whole']),
  folder: z.string().nullable(),
  switchName: z.string().nullable(),
  needs: vmNeeds,
  /** The registration as it is to be at the destination: there once the VM stands still there is nothing more to send. */
  final: vmRegistration.nullable(),
});
export type Offer = z.infer<typeof offer>;

/** `accepted.json` or `refused.json`, by the host that is to take it. */
export const accepted = z.object({ home: z.string() });
export const refused = z.object({ failure });

/** `ready.json`, which becomes `committed.json` or `withdrawn.json` by a rename: whichever comes first counts. */
export const ready = z.object({ home: z.string() });

/** `arrived.json`: the VM is registered at the destination, and runs there if it ran. */
export const arrived = z.object({ at: z.iso.datetime() });
