import { z } from 'zod';
import { processorVector } from '../../../../contracts/processor';
import { guardian } from '../../../../contracts/inspection/host';
import { nativeError } from '../worker/native-error';
import { switchValue } from './switches';

const bytes = z.int().nonnegative();
const count = z.int().nonnegative();

/** What `Read-Fact` of the scripts answers. */
export const told = <S extends z.ZodType>(value: S) =>
  z.discriminatedUnion('known', [
    z.object({ known: z.literal(true), value }),
    z.object({ known: z.literal(false), error: nativeError }),
  ]);
export type Told<T> =
  { readonly known: true; readonly value: T } | { readonly known: false; readonly error: z.infer<typeof nativeError> };

/** What a fact of a look is where it is known. */
export type ToldValue<T> = Extract<T, { known: true }> extends { readonly value: infer V } ? V : never;

/** `Read-ProcessorFacts`: what a VM asks of a processor, or what the processor of the host has. */
const processor = told(z.object({ maker: z.string(), vectors: told(z.array(processorVector)) }));
export type ProcessorFacts = z.infer<typeof processor>;

export const inspectHostArguments = z.object({ Folder: z.string().max(1024) });

const slots = z.object({ max: count, used: count });
const macAddress = z.string();

/** A host as scripts/handlers/inspect-host.ps1 tells it, in Hyper-V's own words. */
export const inspectedHost = z.object({
  logicalProcessors: told(z.int().positive()),
  processor,
  configurationVersions: told(z.array(z.string())),
  switchTypes: told(z.array(switchValue)),
  macAddresses: told(
    z.object({
      poolFirst: macAddress,
      poolLast: macAddress,
      inUse: z.array(z.object({ address: macAddress, vmId: z.string(), vmName: z.string() })),
    }),
  ),
  guardians: told(z.array(guardian)),
  attestedBy: told(z.string().nullable()),
  changeTracking: told(z.boolean()),
  liveMigration: told(z.object({ enabled: z.boolean(), slots, storageSlots: slots })),
  migrationAuthentication: told(
    z.object({
      type: z.enum(['Kerberos', 'CredSSP']),
      /** Services (`service/host`) to which the computer may delegate; null is all. */
      delegatedTo: z.array(z.string()).nullable(),
      credentialGuard: z.boolean(),
    }),
  ),
  migrationNetworks: told(z.array(z.string())),
  cluster: told(
    z
      .object({
        name: z.string(),
        node: z.enum(['Up', 'Paused', 'Down', 'Joining']),
        sharedVolumes: z.array(
          z.object({
            name: z.string(),
            paths: z.array(z.string()),
            /** As this node sees it; empty where nothing is told. */
            state: z.string(),
          }),
        ),
      })
      .nullable(),
  ),
  /** Disks of a SAN that this host sees, whether it has them online or not. */
  luns: told(
    z.array(
      z.object({
        id: z.string().min(1).max(100),
        isOffline: z.boolean(),
        isReadOnly: z.boolean(),
        isClustered: z.boolean(),
        /** Partitions that hold files; 0 while it is offline. */
        volumeCount: count,
        paths: z.array(z.string()),
      }),
    ),
  ),
  volume: told(z.object({ fileSystem: z.string(), allocationUnitBytes: bytes }).nullable()),
  /** Physical sectors of the disk that the volume of the folder is on. */
  sectorBytes: told(z.int().positive().nullable()),
});
export type InspectedHost = z.infer<typeof inspectedHost>;

const slot = z.object({ controller: z.string(), number: count, location: count, path: z.string() });

/** A VM as scripts/handlers/inspect-vm.ps1 tells it, in Hyper-V's own words. */
export const inspectedVm = z.object({
  isReplicated: told(z.boolean()),
  automaticStart: told(z.enum(['Nothing', 'StartIfRunning', 'Start'])),
  checkpoints: told(
    z.array(z.object({ id: z.guid(), name: z.string(), state: z.string(), paths: z.array(z.string()) })),
  ),
  /** Where its VM checkpoints and its smart paging file are put. */
  folders: told(z.array(z.string())),
  passThroughDisks: told(z.array(slot)),
  sharedDisks: told(z.array(slot)),
  sectors: told(z.array(z.object({ path: z.string(), physicalSectorBytes: z.int().positive() }))),
  media: told(z.array(z.object({ drive: z.string(), path: z.string() }))),
  network: told(
    z.object({ vlanMode: z.string(), vlanId: count, macAddress: z.string(), isMacDynamic: z.boolean() }).nullable(),
  ),
  processor,
  compatibilityMode: told(z.boolean()),
  runsNestedVms: told(z.boolean()),
  security: told(z.object({ guardian: guardian.nullable(), isShielded: z.boolean() })),
  assignedDevices: told(z.array(z.object({ type: z.enum(['device', 'gpu-partition']), name: z.string() }))),
  role: told(z.object({ clusterName: z.string(), owner: z.string() }).nullable()),
  roleResources: told(z.array(z.string())),
  integration: told(z.object({ heartbeat: z.boolean(), shutdown: z.boolean() })),
});
export type InspectedVm = z.infer<typeof inspectedVm>;
