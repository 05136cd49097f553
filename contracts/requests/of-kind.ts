import { z } from 'zod';
import { hostId, migrationId, vmId } from '../ids';

/** Why a kind does not take a field, by the field's name. */
export type Refused = Readonly<Record<string, string>>;

/** An object that takes the fields of its shape alone, and says of any other by name why not. */
export const strictlyOf = <Shape extends z.ZodRawShape>(kind: string, shape: Shape, refused: Refused = {}) =>
  z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? `"${kind}" takes no ${issue.keys.map((key) => key + because(refused[key])).join(', no ')}; leave it out`
        : undefined,
  });

const because = (reason: string | undefined): string => (reason === undefined ? '' : ` (${reason})`);

/** The request of a kind: what all have in common, and the kind's own fields. */
export const requestOfKind = <K extends string, Shape extends z.ZodRawShape>(
  kind: K,
  shape: Shape,
  refused: Refused = {},
) =>
  strictlyOf(
    kind,
    { id: migrationId.optional(), kind: z.literal(kind), vmId, sourceHost: hostId, ...shape },
    {
      seeds: 'no byte route is used',
      convertTo: 'the disks move as they are',
      makeSwitch: 'an import alone makes a switch',
      ...refused,
    },
  );
