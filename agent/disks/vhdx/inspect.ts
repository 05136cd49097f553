import type { Outcome } from '../../../contracts/failure';
import { namingFile, outcomeOf, valueOf } from '../failures';
import { nodeFiles, type DiskFile, type DiskFiles } from '../file';
import { zeroGuid } from './guid';
import { chooseHeader, isIntactHeader } from './header';
import { headerLength, headerOffsets, regionTableLength, regionTableOffsets } from './layout';
import { planReplay } from './log-replay';
import { parseVhdx } from './parse';
import { isIntactRegionTable } from './region-table';

/** What a VHDX says of itself beyond what every image does. */
export type VhdxFacts = {
  readonly creator: string;
  readonly headers: readonly ('intact' | 'torn')[];
  readonly regionTables: readonly ('intact' | 'torn')[];
  /** `to-replay`: the file was not closed; opening it for writing replays the log, reading does so in memory. */
  readonly log: 'empty' | 'to-replay';
  /** Pieces of 4 KiB that a replay writes. */
  readonly replayedSectors: number;
  readonly logLengthBytes: number;
  readonly fileWriteId: string;
};

/** Reads the head of a VHDX, without changing it. Failures as of `openVhdx`; the blocks are not looked at. */
export function inspectVhdx(path: string, files: DiskFiles = nodeFiles): Promise<Outcome<VhdxFacts>> {
  return outcomeOf(async () => {
    const file = await files.open(path, 'read');
    try {
      valueOf(namingFile(path, await parseVhdx(file, 'read')));
      const headers = await readAll(file, headerOffsets, headerLength);
      const tables = await readAll(file, regionTableOffsets, regionTableLength);
      const [first, second] = headers;
      if (first === undefined || second === undefined) throw new RangeError('a VHDX has two headers');
      const { header } = valueOf(namingFile(path, chooseHeader([first, second], file.sizeBytes)));
      const replay = valueOf(namingFile(path, await planReplay(file, header)));
      const [identifier] = await readAll(file, [0], 8 + 512);
      return {
        creator: textOf(identifier?.subarray(8)),
        headers: headers.map((bytes) => (isIntactHeader(bytes) ? 'intact' : 'torn')),
        regionTables: tables.map((bytes) => (isIntactRegionTable(bytes) ? 'intact' : 'torn')),
        log: header.logId === zeroGuid ? 'empty' : 'to-replay',
        replayedSectors: replay?.steps.length ?? 0,
        logLengthBytes: header.logLengthBytes,
        fileWriteId: header.fileWriteId,
      };
    } finally {
      await file.close();
    }
  });
}

async function readAll(file: DiskFile, offsets: readonly number[], lengthBytes: number): Promise<Buffer[]> {
  const pieces: Buffer[] = [];
  for (const offset of offsets) {
    const bytes = Buffer.alloc(Math.min(lengthBytes, file.sizeBytes - offset));
    await file.read(bytes, offset);
    pieces.push(bytes);
  }
  return pieces;
}

function textOf(utf16: Buffer | undefined): string {
  const text = utf16?.toString('utf16le') ?? '';
  const end = text.indexOf('\0');
  return end === -1 ? text : text.slice(0, end);
}
