import { z } from 'zod';

/** Virtual switches that a run makes. An external one would take a network adapter from the host, and is never made. */
export const madeSwitchTypes = ['private', 'internal'] as const;
export type MadeSwitchType = (typeof madeSwitchTypes)[number];

/**
 * The name of a switch that is made: of up to 100 characters, none of which is a control character or one by which cmdlets of Hyper-V would
 * take the name for a pattern, and with no space at an end.
 */
export const madeSwitchName = z
  .string()
  .max(100)
  .regex(/^(?! )[^\p{Cc}\p{Cs}*?[\]`]+(?<! )$/u, {
    error: 'use a name without control characters and without * ? [ ] and `, and with no space at an end',
  });

/** A virtual switch of a host. `type`: `private`, `internal`, `external`, or what else the host calls it. */
export const switchFacts = z.object({ name: z.string(), type: z.string() });
export type SwitchFacts = z.infer<typeof switchFacts>;

/** Hyper-V does not tell names of switches apart by their case. */
export const isSameSwitchName = (one: string, other: string): boolean => one.toLowerCase() === other.toLowerCase();

/**
 * Why a run may neither make a switch of that name and type on a host with these, nor use the one that is there; undefined where it may.
 * Names of switches are not unique: by its name a VM may get any of them.
 */
export function whySwitchIsUnfit(all: readonly SwitchFacts[], name: string, type: MadeSwitchType): string | undefined {
  const same = all.filter((one) => isSameSwitchName(one.name, name));
  const other = same.find((one) => one.type !== type);
  if (other !== undefined) return `The host has a virtual switch "${other.name}" that is ${other.type}, not ${type}.`;
  const [first] = same;
  if (first === undefined || same.some((one) => one.name === name)) return undefined;
  return `The host has a virtual switch "${first.name}", which Hyper-V does not tell from one called "${name}".`;
}
