import { z } from 'zod';
import type { HostId } from '../ids';
import { exportRequest } from './export';
import { importRequest, whyNoSwitchIsMade } from './import';
import { lanRequest } from './lan';
import { liveRequest } from './live';
import { quickRequest } from './quick';
import { quickStorageRequest } from './quick-storage';
import { sanRequest } from './san';
import { sharedNothingRequest } from './shared-nothing';
import { roleChoices, type ByteRouteChoice, type DiskFormatWanted } from './shapes';
import { storageRequest } from './storage';
import type { NamedSeed } from './seeds';
import { warmRequest } from './warm';

/**
 * How a VM moves, with the version of its itinerary that new runs begin with. Older versions stay in
 * functions/orchestrators/kinds until their last run has ended.
 */
export const itineraryVersions = {
  live: 2,
  quick: 2,
  san: 2,
  'quick-storage': 3,
  storage: 2,
  'shared-nothing': 3,
  warm: 3,
  lan: 3,
  export: 2,
  import: 3,
} as const;
export type Kind = keyof typeof itineraryVersions;
export const kinds = Object.keys(itineraryVersions) as [Kind, ...Kind[]];

const requests = {
  live: liveRequest,
  quick: quickRequest,
  san: sanRequest,
  'quick-storage': quickStorageRequest,
  storage: storageRequest,
  'shared-nothing': sharedNothingRequest,
  warm: warmRequest,
  lan: lanRequest,
  export: exportRequest,
  import: importRequest,
} as const satisfies Record<Kind, z.ZodObject>;

/** Whether the requests of a kind have a field. */
export const kindTakes = (kind: Kind, field: string): boolean => field in requests[kind].shape;

/** The body of `POST /api/migrations`: common fields and those of its kind, one file a kind. */
export const migrationRequest = z
  .discriminatedUnion('kind', [
    liveRequest,
    quickRequest,
    sanRequest,
    quickStorageRequest,
    storageRequest,
    sharedNothingRequest,
    warmRequest,
    lanRequest,
    exportRequest,
    importRequest,
  ])
  .refine((request) => !isStaged(request) || !('seeds' in request) || (request.seeds ?? []).length === 0, {
    path: ['seeds'],
    error:
      'the staged route takes no seeds, since its source does not see the destination; leave them out, or use the direct route',
  })
  .refine((request) => whyNoSwitchIsMade(request) === undefined, {
    path: ['makeSwitch'],
    error: ({ input }) => whyNoSwitchIsMade(Object(input) as object),
  })
  .refine((request) => roleOf(request) === undefined || destinationHostOf(request) !== request.sourceHost, {
    path: ['role'],
    error: 'a VM that stays on its host stays a role; leave it out, or name another destination host',
  });
export type MigrationRequest = z.infer<typeof migrationRequest>;

/** A request that has its id. */
export const acceptedRequest = z.discriminatedUnion('kind', [
  liveRequest.required({ id: true }),
  quickRequest.required({ id: true }),
  sanRequest.required({ id: true }),
  quickStorageRequest.required({ id: true }),
  storageRequest.required({ id: true }),
  sharedNothingRequest.required({ id: true }),
  warmRequest.required({ id: true }),
  lanRequest.required({ id: true }),
  exportRequest.required({ id: true }),
  importRequest.required({ id: true }),
]);
export type AcceptedRequest = z.infer<typeof acceptedRequest>;
export type RequestOf<K extends Kind> = Extract<AcceptedRequest, { kind: K }>;

export type RoleChoice = (typeof roleChoices)[number];

/** Whether the bytes of a move go through a staging container. */
export const isStaged = (request: object): boolean =>
  'route' in request && request.route === ('staged' satisfies ByteRouteChoice);

/** What a request says of the role of its VM; undefined where it says nothing, or its kind takes no such field. */
export function roleOf(request: object): RoleChoice | undefined {
  const asked = 'role' in request ? request.role : undefined;
  return roleChoices.find((choice) => choice === asked);
}

/** Places of a move as anybody may ask for them, whatever the kind. */
type Places = {
  readonly sourceHost: HostId;
  readonly destinationHost?: HostId | undefined;
  readonly destinationFolder?: string | undefined;
};

/** The host where the VM will be; the source host itself for a kind that changes its files alone. */
export const destinationHostOf = (request: Places): HostId => request.destinationHost ?? request.sourceHost;

/** The folder that a request names, on the destination host. */
export const destinationFolderOf = (request: Places): string | undefined => request.destinationFolder;

/** The seeds that a request names; none where its kind takes none. */
export const seedsOf = (request: MigrationRequest): readonly NamedSeed[] =>
  'seeds' in request ? (request.seeds ?? []) : [];

/** The format that a request gives to disks of another one; undefined where each keeps its own. */
export const convertedTo = (request: MigrationRequest): DiskFormatWanted =>
  'convertTo' in request ? request.convertTo : undefined;

export { type NamedSeed } from './seeds';
export {
  diskFormatsWanted,
  notShrinkingPolicies,
  retirePolicies,
  roleChoices,
  routes,
  stopPolicies,
  verifyScopes,
  type ByteRouteChoice,
  type DiskFormatWanted,
  type StopPolicy,
} from './shapes';
export { compareInputOf, importedVmId, importInputOf } from './import';
