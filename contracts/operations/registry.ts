import type { z } from 'zod';
import { diskOperations } from './disks';
import { exportOperations } from './exports';
import { lunOperations } from './luns';
import { moveOperations } from './moves';
import { placeholderOperations } from './placeholder';
import { powerOperations } from './power';
import { preCopyOperations } from './pre-copy';
import { pullOperations } from './pull';
import { reservationOperations } from './reservation';
import { roleOperations } from './roles';
import { stagedOperations } from './staged';
import { switchOperations } from './switches';
import type { OperationRules } from './shapes';

/**
 * What an app may ask of an agent, one file an area. Every operation means "make it so for this run": a repeat by id answers the first
 * outcome, a new attempt finds what an earlier one did. Inputs alone suffice for an undo, since its do may have lost its reply.
 */
export const operations = {
  ...reservationOperations,
  ...diskOperations,
  ...placeholderOperations,
  ...powerOperations,
  ...preCopyOperations,
  ...exportOperations,
  ...pullOperations,
  ...stagedOperations,
  ...moveOperations,
  ...roleOperations,
  ...lunOperations,
  ...switchOperations,
} as const;

export type OperationKind = keyof typeof operations;
export type OperationInput<K extends OperationKind> = z.infer<(typeof operations)[K]['input']>;
export type OperationOutput<K extends OperationKind> = z.infer<(typeof operations)[K]['output']>;
export const operationKinds = Object.keys(operations) as [OperationKind, ...OperationKind[]];

/** Operations of the byte route, direct or staged: each carries one file, and those of a run go side by side. */
export type ByteRouteKind = keyof typeof pullOperations | keyof typeof stagedOperations;
export const isOfByteRoute = (kind: OperationKind): kind is ByteRouteKind =>
  kind in pullOperations || kind in stagedOperations;

/** What holds of an operation beside its schemas. */
export const rulesOf = (kind: OperationKind): OperationRules => operations[kind];
