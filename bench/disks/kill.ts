import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { startCuttingProxy } from '../../agent/disks/route/testing/cutting-proxy';
import type { OperationProgress } from '../../contracts/operations';
import { assertSameDisk, makeImage } from '../bytes/images';
import { routePair, type DestinationProcess, type RoutePair, type SourceProcess } from '../route-pair';
import { pullEnd } from '../route-processes';

export type KillResult = {
  readonly end: 'source' | 'destination';
  /** What came over the line beyond the data, so what surrounds the data counts as well. */
  readonly resentBytes: number;
  /** From the kill, with the time that the process takes to start again, to the first byte past the watermark. */
  readonly secondsToMoveAgain: number;
};

/** What a `kill -9` of either end at half of a copy costs. */
export async function benchKill(folder: string, dataBytes: number): Promise<KillResult[]> {
  const image = join(folder, 'killed.vhdx');
  await makeImage(image, { kind: 'dynamic', virtualSizeBytes: dataBytes, oneOf: 1 });
  const of = { folder, image, dataBytes };
  const results = [await killed(of, 'destination'), await killed(of, 'source')];
  await rm(image);
  return results;
}

type Copied = { readonly folder: string; readonly image: string; readonly dataBytes: number };

async function killed({ folder, image, dataBytes }: Copied, end: KillResult['end']): Promise<KillResult> {
  const path = join(folder, `copy-${end}-killed.vhdx`);
  const pair = routePair(folder);
  let source = await pair.source({ path: image });
  const line = await startCuttingProxy(source.port, () => undefined);
  const watch = new Watch();
  const from = { ...source, port: line.port };
  let destination = await begun(pair, watch, from, path);
  try {
    const half = await watch.until(({ bytesDone, bytesTotal }) => bytesDone > 0 && bytesDone * 2 >= bytesTotal);
    const killedMs = performance.now();
    if (end === 'source') {
      await source.kill();
      source = await pair.source({ path: image }, source.port);
    } else {
      await destination.kill();
      destination = await begun(pair, watch, from, path, half.watermarkBytes);
    }
    await watch.until(({ bytesDone }) => bytesDone > half.bytesDone);
    const secondsToMoveAgain = (performance.now() - killedMs) / 1000;
    const { outcome } = await destination.next(pullEnd);
    if (!outcome.ok) throw new Error(`the byte route failed: ${JSON.stringify(outcome)}`);
    await assertSameDisk(image, path);
    return { end, resentBytes: line.passedBytes() - dataBytes, secondsToMoveAgain };
  } finally {
    await line.close();
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
