import { itineraryVersions, kinds, type Kind, type RunInput, type RunInputOf } from '../../../contracts/migration';
import { before, type Itinerary } from '../../saga/itinerary';
import { exportKind } from './export';
import { importKind } from './import';
import { lan } from './lan';
import { live } from './live';
import { quick } from './quick';
import { quickStorage } from './quick-storage';
import { san } from './san';
import { sharedNothing } from './shared-nothing';
import { storage } from './storage';
import { warm } from './warm';

type Versions<K extends Kind> = readonly [Itinerary<RunInputOf<K>>, ...Itinerary<RunInputOf<K>>[]];

/** Version 1 of a kind, which began without preflight. */
const unchecked = <K extends Kind>(newer: Itinerary<RunInputOf<K>>): Itinerary<RunInputOf<K>> =>
  before(newer, ['preflight'], 1);

/** Version 2 of imports, which made no switch. */
const importWithoutSwitch = before(importKind, ['switch'], 2);

/** Version 2 of kinds that took no VM off its cluster. */
const withoutRoles = <K extends Kind>(newer: Itinerary<RunInputOf<K>>): Itinerary<RunInputOf<K>> =>
  before(newer, ['remove-role', 'make-role'], 2);

/**
 * Every kind with its itineraries, the one of new runs first. A run ends on the version that it began with, so an older one stays here
 * until its last run has ended.
 */
const registry: { readonly [K in Kind]: Versions<K> } = {
  live: [live, unchecked(live)],
  quick: [quick, unchecked(quick)],
  san: [san, unchecked(san)],
  'quick-storage': [quickStorage, withoutRoles(quickStorage), unchecked(withoutRoles(quickStorage))],
  storage: [storage, unchecked(storage)],
  'shared-nothing': [sharedNothing, withoutRoles(sharedNothing), unchecked(withoutRoles(sharedNothing))],
  warm: [warm, withoutRoles(warm), unchecked(withoutRoles(warm))],
  lan: [lan, withoutRoles(lan), unchecked(withoutRoles(lan))],
  export: [exportKind, unchecked(exportKind)],
  import: [importKind, importWithoutSwitch, unchecked(importWithoutSwitch)],
};

/** An itinerary as the interpreter runs it. Its own kind's input is what it gets: itineraryOf looks it up by that very input. */
type Any = Itinerary<RunInput>;
const versionsOf = (kind: Kind): readonly Any[] => registry[kind] as readonly Itinerary<never>[] as readonly Any[];

/** The itinerary of new runs of each kind. */
export const itineraries: readonly Any[] = kinds.map((kind) => {
  const [first] = versionsOf(kind);
  if (first?.kind !== kind || first.version !== itineraryVersions[kind])
    throw new Error(`new runs of ${kind} begin with version ${itineraryVersions[kind]}, which is not the first here`);
  return first;
});

/** Whether this app can go on with runs that began with that version. */
export const hasItinerary = (kind: Kind, version: number): boolean =>
  versionsOf(kind).some((one) => one.version === version);

/** The itinerary that a run began with. Throws when this app does not have it any more, which is a bug of its deployment. */
export function itineraryOf({ request: { kind }, itineraryVersion }: RunInput): Any {
  const found = versionsOf(kind).find(({ version }) => version === itineraryVersion);
  if (found === undefined) throw new Error(`this app has no version ${itineraryVersion} of ${kind}`);
  return found;
}
