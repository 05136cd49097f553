import type { Check } from '../check';
import { clusterChecks } from './cluster';
import { conversionChecks } from './conversion';
import { deviceChecks } from './devices';
import { diskChecks } from './disks';
import { exportChecks } from './exports';
import { fitChecks } from './fit';
import { guestChecks } from './guest';
import { hostChecks } from './hosts';
import { leavingRoleChecks } from './leaving-roles';
import { liveMigrationChecks } from './live-migration';
import { networkChecks } from './network';
import { placeChecks } from './place';
import { roomChecks } from './room';
import { sanChecks } from './san';
import { seedChecks } from './seeds';
import { stagedRouteChecks } from './staged-route';
import { vmCheckpointChecks } from './vm-checkpoints';
import { vmChecks } from './vm';

export type Area = { readonly title: string; readonly checks: readonly Check[] };

/** Every check of preflight, area by area. What stands first is told first, and gives a refused run its code. */
export const areas: readonly Area[] = [
  { title: 'Hosts and agents', checks: hostChecks },
  { title: 'The VM', checks: vmChecks },
  { title: 'Disks', checks: diskChecks },
  { title: 'Disks that are converted', checks: conversionChecks },
  { title: 'VM checkpoints', checks: vmCheckpointChecks },
  { title: 'Devices and keys', checks: deviceChecks },
  { title: 'Clusters', checks: clusterChecks },
  { title: 'Roles that leave their cluster', checks: leavingRoleChecks },
  { title: 'LUNs', checks: sanChecks },
  { title: 'Live migration', checks: liveMigrationChecks },
  { title: 'What stands at the destination', checks: placeChecks },
  { title: 'Seeds', checks: seedChecks },
  { title: 'The staged route', checks: stagedRouteChecks },
  { title: 'What the destination can run', checks: fitChecks },
  { title: 'Network', checks: networkChecks },
  { title: 'Room', checks: roomChecks },
  { title: 'Export and import', checks: exportChecks },
  { title: 'The guest', checks: guestChecks },
];

export const checks: readonly Check[] = areas.flatMap((area) => area.checks);
