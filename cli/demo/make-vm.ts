import { statfsSync } from 'node:fs';
import { createVm, type DiskSpec, type VmSpec } from '../../agent/hyperv/simulated';
import type { VmId } from '../../contracts/ids';
import { bad, good, type Result } from '../context';
import type { CliFailure } from '../failure';
import { formatBytes, formatPercent } from '../output/format';

const mib = 1024 ** 2;

/** What every VM of a demonstration has. */
export const demoShape = { memoryBytes: 64 * mib, virtualSizeBytes: 2048 * mib } as const;

/** Two copies of the disk, the saved memory twice, and what the guest adds. */
const roomBytesMin = (dataBytes: number): number => 2 * dataBytes + 512 * mib;

/** Calls `say` at each tenth of the way. */
function tenths(say: (line: string) => void): (progress: { bytesDone: number; bytesTotal: number }) => void {
  let saidTenth = -1;
  return ({ bytesDone, bytesTotal }) => {
    const tenth = Math.floor((bytesDone / bytesTotal) * 10);
    if (tenth === saidTenth) return;
    saidTenth = tenth;
    say(`  ${formatPercent(bytesDone, bytesTotal)} of its ${formatBytes(bytesTotal)} of data written`);
  };
}

function roomMissing(folder: string, dataBytes: number): CliFailure | undefined {
  const room = statfsSync(folder);
  const freeBytes = room.bavail * room.bsize;
  if (freeBytes >= roomBytesMin(dataBytes)) return undefined;
  return {
    exit: 'localStack',
    title: 'not enough room for the demonstration VM',
    detail: `${folder} has ${formatBytes(freeBytes)} free; ${formatBytes(roomBytesMin(dataBytes))} are needed`,
    remedy: 'Free some room, or set HYPERFERRY_HOME to a folder on another disk.',
  };
}

export const demoDiskFormats = ['vhdx', 'vhd'] as const satisfies readonly DiskSpec['format'][];
export type DiskFormat = (typeof demoDiskFormats)[number];

export type DemoVmSpec = Pick<VmSpec, 'name' | 'seed'> & {
  readonly vmId?: VmId;
  readonly dataBytes: number;
  readonly diskFormat?: DiskFormat;
  /** The shared volume or the LUN that its files go to, in place of the host's own volume. */
  readonly root?: string;
  /** Where it is, for a person. */
  readonly where: string;
};

/** Registers a VM whose guest keeps writing, on a simulated host. It runs when the host's agent is started after this. */
export async function makeVm(
  hostFolder: string,
  { dataBytes, where, diskFormat = 'vhdx', ...spec }: DemoVmSpec,
  say: (line: string) => void,
): Promise<Result<VmId>> {
  const missing = roomMissing(spec.root ?? hostFolder, dataBytes);
  if (missing !== undefined) return bad(missing);
  say(
    `making the demonstration VM "${spec.name}" on ${where}: a dynamic ${diskFormat.toUpperCase()} of ` +
      `${formatBytes(demoShape.virtualSizeBytes)} with ${formatBytes(dataBytes)} of data, and a guest that keeps writing to it`,
  );
  const made = await createVm(hostFolder, {
    ...spec,
    memoryBytes: demoShape.memoryBytes,
    disks: [{ format: diskFormat, virtualSizeBytes: demoShape.virtualSizeBytes, dataBytes }],
    state: 'running',
    onProgress: tenths(say),
  });
  if (made.ok) return good(made.value);
  return bad({
    exit: 'localStack',
    title: 'the demonstration VM could not be made',
    detail: `${made.failure.message} (${made.failure.code})`,
    remedy: made.failure.remedy,
  });
}
