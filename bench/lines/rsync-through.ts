import { startRsyncDaemon } from '../bytes/rsync';
import { runCounted } from '../bytes/processor-time';
import { end, outputOf } from '../programs';
import { startSharingLine } from './sharing-line';

export type RsyncThrough = {
  /** Copies the file; answers seconds. */
  readonly copy: (target: string) => Promise<number>;
  readonly stop: () => Promise<void>;
};

/** rsync's copy of a whole file over such a line; undefined when it is not installed. */
export async function rsyncThrough(
  folder: string,
  served: string,
  file: string,
  bytesPerSecondEach: number,
): Promise<RsyncThrough | undefined> {
  if (outputOf('rsync', '--version') === undefined) return undefined;
  const { child, port, urlAt } = await startRsyncDaemon(folder, served);
  const line = await startSharingLine(port, bytesPerSecondEach);
  return {
    copy: async (target) => (await runCounted('rsync', '-W', urlAt(line.port, file), target)).seconds,
    stop: async () => {
      await line.close();
      await end(child);
    },
  };
}
