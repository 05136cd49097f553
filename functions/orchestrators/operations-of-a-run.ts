import type { HostId } from '../../contracts/ids';
import { destinationHostOf, type RunInput } from '../../contracts/migration';
import type { OperationInput, OperationKind, OperationOutput } from '../../contracts/operations';
import type { Run } from '../saga/run';
import type { Durable, Step } from '../saga/step';
import { operate } from './operate';
import type { AskedInput } from './operation-under-way';

/** Operations as an itinerary writes them: by the side of the move, and in short form where the run's own input is all they need. */

export type Side = 'source' | 'destination';
type OfVm = { readonly vmId: RunInput['request']['vmId'] };
type OfPlace = OfVm & { readonly folder: string };
/** The kinds of operation whose input is `Input`. */
type KindsOf<Input> = { [K in OperationKind]: Input extends OperationInput<K> ? K : never }[OperationKind];
type Do<K extends OperationKind, R = Run<RunInput>> = (run: R) => Durable<Step<OperationOutput<K>>>;

export const vmOf = (run: Run<RunInput>): OfVm => ({ vmId: run.input.request.vmId });
/** A run whose request names a folder on the destination host. */
export type RunToFolder = Run<RunInput & { readonly request: { readonly destinationFolder: string } }>;

export const placeOf = (run: RunToFolder): OfPlace => ({ ...vmOf(run), folder: run.input.request.destinationFolder });

const hostOf = (run: Run<RunInput>, side: Side): HostId =>
  side === 'source' ? run.input.request.sourceHost : destinationHostOf(run.input.request);

/** An operation on one side of the move. */
export const at = <K extends OperationKind>(
  run: Run<RunInput>,
  side: Side,
  kind: K,
  input: AskedInput<K>,
  options: { readonly heedsCancel?: false } = {},
): Durable<Step<OperationOutput<K>>> => operate(run, { host: hostOf(run, side), kind, input, ...options });

// In the three below, KindsOf holds just the kinds that take this input, which TypeScript cannot carry over to a K that is not yet known.

export const onSource =
  <K extends KindsOf<OfVm>>(kind: K): Do<K> =>
  (run) =>
    at(run, 'source', kind, vmOf(run) as AskedInput<K>);

export const onDestination =
  <K extends KindsOf<OfVm>>(kind: K): Do<K> =>
  (run) =>
    at(run, 'destination', kind, vmOf(run) as AskedInput<K>);

/** On the destination host, with the folder of the move. */
export const inPlace =
  <K extends KindsOf<OfPlace>>(kind: K): Do<K, RunToFolder> =>
  (run) =>
    at(run, 'destination', kind, placeOf(run) as AskedInput<K>);
