import { z } from 'zod';
import { processor } from '../processor';
import { switchFacts } from '../switches';
import { fact } from './fact';

const bytes = z.int().nonnegative();
const slots = z.object({ max: z.int().nonnegative(), used: z.int().nonnegative() });

export const nodeStates = ['up', 'paused', 'down', 'joining'] as const;
export const volumeAccess = ['direct', 'redirected', 'offline'] as const;
export const diskFormats = ['vhd', 'vhdx', 'vhd-set', 'raw'] as const;

/** A MAC address: twelve hexadecimal digits, upper case. */
export const macAddress = z.string().regex(/^[0-9A-F]{12}$/);

/**
 * A guardian of key protectors. `key`: the thumbprint of the certificate that it encrypts with, by which it is known. The name is for people: each
 * host calls its own guardian `UntrustedGuardian`.
 */
export const guardian = z.object({ name: z.string(), key: z.string().min(1) });

/** What a host tells of itself before a move: every field is known, or says why it is not. */
export const hostInspection = z.object({
  clock: fact(z.object({ nowMs: z.int() })),
  /** `freeBytes`: what no running VM but the one asked for has, and no other run was promised. */
  memory: fact(z.object({ totalBytes: bytes, freeBytes: bytes })),
  logicalProcessors: fact(z.int().positive()),
  processor: fact(processor),
  configurationVersions: fact(z.array(z.string())),
  switches: fact(z.array(z.string())),
  /** The same with their types. An agent of an earlier version does not tell. */
  switchTypes: fact(z.array(switchFacts)).optional(),
  /** VLANs that its switches carry; null is all. */
  vlans: fact(z.array(z.int()).nullable()),
  macAddresses: fact(
    z.object({
      poolFirst: macAddress,
      poolLast: macAddress,
      inUse: z.array(z.object({ address: macAddress, vmName: z.string() })),
    }),
  ),
  /** Formats of disk files that it can attach. */
  diskFormats: fact(z.array(z.enum(diskFormats))),
  /** Guardians whose key protectors it can unwrap. */
  guardians: fact(z.array(guardian)),
  /** The host guardian service that attests it; null is none. */
  attestedBy: fact(z.string().nullable()),
  changeTracking: fact(z.boolean()),
  liveMigration: fact(z.object({ enabled: z.boolean(), slots, storageSlots: slots })),
  migrationAuthentication: fact(
    z.object({
      type: z.enum(['kerberos', 'credssp']),
      /** Hosts to which this one may delegate; null is all. */
      delegatedTo: z.array(z.string()).nullable(),
      credentialGuard: z.boolean(),
    }),
  ),
  /** Networks (address/prefix length) over which it moves VMs; empty is any. */
  migrationNetworks: fact(z.array(z.string())),
  /** The cluster that it is a node of; null for none. */
  cluster: fact(
    z
      .object({
        name: z.string(),
        node: z.enum(nodeStates),
        hasQuorum: z.boolean(),
        sharedVolumes: z.array(z.object({ name: z.string(), access: z.enum(volumeAccess) })),
      })
      .nullable(),
  ),
  /** LUNs that the SAN may show to it, who has each, and who holds a persistent reservation of it. */
  luns: fact(z.array(z.object({ name: z.string(), host: z.string().nullable(), reservedBy: z.string().nullable() }))),
});
export type HostInspection = z.infer<typeof hostInspection>;

/** What of the VM, by its id and its name, is on a host already. */
export const presence = z.object({
  registered: fact(z.object({ vmName: z.string(), isRetired: z.boolean() }).nullable()),
  /** The run whose placeholder of the VM is there, other than the one that asks. */
  placeholderOf: fact(z.string().nullable()),
  /** The run that was promised room for the VM there, other than the one that asks. */
  promisedTo: fact(z.string().nullable()),
  /** Other VMs of the same name. */
  sameName: fact(z.array(z.string())),
});
export type Presence = z.infer<typeof presence>;
