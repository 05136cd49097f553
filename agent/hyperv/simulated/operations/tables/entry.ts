import type { DriverOperationKind } from '../../../driver';
import type { Handler } from '../../host';

/**
 * What an operation keeps others from touching meanwhile: `vm` its registered VM, `placeholder` the run's, `both`, `room` the
 * reservations of the host as well as the placeholder, `nothing` for those that only look.
 */
export type Scope = 'vm' | 'placeholder' | 'both' | 'room' | 'nothing';

type Entry<K extends DriverOperationKind> = { readonly handler: Handler<K>; readonly scope: Scope };

/** How a simulated host carries out the operations of an area. */
export type TableOf<Kinds extends DriverOperationKind> = { readonly [K in Kinds]: Entry<K> };
