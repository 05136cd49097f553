import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pullOutput } from '../../agent/disks/route/journal-records';
import type { OperationProgress } from '../../contracts/operations';
import { assertSameDisk, makeImage } from '../bytes/images';
import { routePair, type DestinationProcess, type RoutePair, type SourceProcess } from '../route-pair';
import { pullEnd } from '../route-processes';

export type KillResult = {
  readonly end: 'source' | 'destination';
  readonly resentBytes: number;
  /** From the kill, with the time that the process takes to start again, to the first byte past the watermark. */
  readonly secondsToMoveAgain: number;
};

/** What a `kill -9` of either end at half of a copy costs. */
export async function benchKill(folder: string, dataBytes: number): Promise<KillResult[]> {
  const image = join(folder, 'killed.vhdx');
  await makeImage(image, { kind: 'dynamic', virtualSizeBytes: dataBytes, oneOf: 1 });
  const results = [await killed(folder, image, 'destination'), await killed(folder, image, 'source')];
  await rm(image);
  return results;
}

async function killed(folder: string, image: string, end: KillResult['end']): Promise<KillResult> {
  const path = join(folder, `copy-${end}-killed.vhdx`);
  const pair = routePair(folder);
  let source = await pair.source({ path: image });
  const watch = new Watch();
  let destination = await begun(pair, watch, source, path);
  try {
    const half = await watch.until(({ bytesDone, bytesTotal }) => bytesDone * 2 >= bytesTotal);
    const killedMs = performance.now();
    if (end === 'source') {
      await source.kill();
      source = await pair.source({ path: image }, source.port);
    } else {
      await destination.kill();
      destination = await begun(pair, watch, source, path, half.watermarkBytes);
    }
    await watch.until(({ bytesDone }) => bytesDone > half.bytesDone);
    const secondsToMoveAgain = (performance.now() - killedMs) / 1000;
    const { outcome } = await destination.next(pullEnd);
    if (!outcome.ok) throw new Error(`the byte route failed: ${JSON.stringify(outcome)}`);
    await assertSameDisk(image, path);
    return { end, resentBytes: pullOutput.parse(outcome['value']).resentBytes, secondsToMoveAgain };
  } finally {
    await destination.kill();
    await source.kill();
    await rm(path, { force: true });
  }
}

async function begun(
  pair: RoutePair,
  watch: Watch,
  from: SourceProcess,
  path: string,
  ledgerWatermarkBytes = 0,
): Promise<DestinationProcess> {
  const destination = await pair.destination((progress) => watch.see(progress));
  destination.pull({ from, path, ledgerWatermarkBytes });
  return destination;
}

/** Waits for a progress. */
class Watch {
  #waits: ((progress: OperationProgress) => void) | undefined;

  see(progress: OperationProgress): void {
    this.#waits?.(progress);
  }

  until(isIt: (progress: OperationProgress) => boolean): Promise<OperationProgress> {
    return new Promise((resolve) => {
      this.#waits = (progress) => {
        if (isIt(progress)) resolve(progress);
      };
    });
  }
}
