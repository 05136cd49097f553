import type { Check } from '../check';
import { advertisedAddress, byteRoutePort } from './byte-route';
import { byteRouteCertificate, relayCertificate } from './certificates';
import { firewall } from './firewall';
import { hyperVAnswers, hyperVModule, hyperVRights } from './hyper-v';
import { delegation, liveMigration, liveMigrationPort } from './live-migration';
import { executionPolicy, powerShell } from './powershell';
import { clockSkew, relayReachable, relayRights } from './relay';
import { room, roots } from './roots';
import { stateFolder, stateFolderOwn } from './state-folder';

/** All checks, in the order in which they are told: what others depend on comes first. */
export const checks: readonly Check[] = [
  stateFolder,
  stateFolderOwn,
  byteRouteCertificate,
  relayCertificate,
  relayReachable,
  clockSkew,
  relayRights,
  byteRoutePort,
  advertisedAddress,
  powerShell,
  executionPolicy,
  hyperVModule,
  hyperVRights,
  hyperVAnswers,
  firewall,
  roots,
  room,
  liveMigration,
  delegation,
  liveMigrationPort,
];
