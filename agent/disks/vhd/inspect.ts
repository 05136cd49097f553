import type { Outcome } from '../../../contracts/failure';
import { namingFile, outcomeOf, valueOf } from '../failures';
import { nodeFiles, type DiskFiles } from '../file';
import { msSince1970, type Footer } from './footer';
import { parseVhd, type FooterStates } from './parse';

/** What a VHD says of itself beyond what every image does. */
export type VhdFacts = {
  readonly createdAtMs: number;
  /** Four characters, as the program that made it writes them. */
  readonly creator: string;
  readonly geometry: { readonly cylinders: number; readonly heads: number; readonly sectorsPerTrack: number };
  readonly isInSavedState: boolean;
  readonly footers: FooterStates;
  /** Of a differencing disk; undefined where nobody said. */
  readonly parentModifiedAtMs: number | undefined;
};

/** Reads the head of a VHD. Failures as of `openVhd`; the blocks are not looked at. */
export function inspectVhd(path: string, files: DiskFiles = nodeFiles): Promise<Outcome<VhdFacts>> {
  return outcomeOf(async () => {
    const file = await files.open(path, 'read');
    try {
      const { footer, states, dynamic } = valueOf(namingFile(path, await parseVhd(file)));
      const modifiedAtS = dynamic?.header.parentModifiedAtS ?? 0;
      return {
        ...factsOf(footer),
        footers: states,
        parentModifiedAtMs: modifiedAtS === 0 ? undefined : msSince1970(modifiedAtS),
      };
    } finally {
      await file.close();
    }
  });
}

function factsOf({ raw, createdAtS }: Footer): Omit<VhdFacts, 'footers' | 'parentModifiedAtMs'> {
  return {
    createdAtMs: msSince1970(createdAtS),
    creator: raw.toString('latin1', 28, 32).trim(),
    geometry: { cylinders: raw.readUInt16BE(56), heads: raw.readUInt8(58), sectorsPerTrack: raw.readUInt8(59) },
    isInSavedState: raw.readUInt8(84) !== 0,
  };
}
