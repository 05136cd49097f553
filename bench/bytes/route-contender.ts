import { rm } from 'node:fs/promises';
import type { z } from 'zod';
import { startCuttingProxy } from '../../agent/disks/route/testing/cutting-proxy';
import type { Taken } from './contender';
import { journalOf, routePair } from '../route-pair';
import { processUse, pullEnd } from '../route-processes';

export type RouteContender = {
  /** Copies once, into a process that is started for it and waits. The seconds are those from the request to the durable outcome. */
  readonly copy: (target: string) => Promise<Taken>;
  /** Copies once more, over a line that counts what comes from the source, encrypted as it is. */
  readonly wireBytesOfCopy: (target: string) => Promise<number>;
  readonly peakRssBytes: () => Promise<{ readonly source: number; readonly destination: number }>;
  readonly stop: () => Promise<void>;
};

/** The byte route between two processes, as between two agents. */
export async function startRouteContender(folder: string, image: string): Promise<RouteContender> {
  const pair = routePair(folder);
  const source = await pair.source({ path: image });
  let destinationPeak = 0;
  const sourceUse = (): Promise<ProcessUse> => {
    source.tell('use');
    return source.next(processUse);
  };

  const copyFrom = async (port: number, target: string): Promise<Taken> => {
    const destination = await pair.destination();
    try {
      const before = secondsOf(await sourceUse());
      const beganMs = performance.now();
      destination.pull({ from: { ...source, port }, path: target });
      const { outcome, ...use } = await destination.next(pullEnd);
      const seconds = (performance.now() - beganMs) / 1000;
      if (!outcome.ok) throw new Error(`the byte route failed: ${JSON.stringify(outcome)}`);
      destinationPeak = Math.max(destinationPeak, use.peakRssBytes);
      const spent = secondsOf(await sourceUse()) - before;
      return { seconds, processorSeconds: { source: spent, destination: secondsOf(use) } };
    } finally {
      await destination.kill();
      await rm(journalOf(target), { force: true });
    }
  };
  return {
    copy: (target) => copyFrom(source.port, target),
    wireBytesOfCopy: async (target) => {
      const line = await startCuttingProxy(source.port, () => undefined);
      try {
        await copyFrom(line.port, target);
        return line.passedBytes();
      } finally {
        await line.close();
      }
    },
    peakRssBytes: async () => ({ source: (await sourceUse()).peakRssBytes, destination: destinationPeak }),
    stop: () => source.kill(),
  };
}

type ProcessUse = z.infer<typeof processUse>;

/** The source tells it of its whole life, the destination of its pull. */
const secondsOf = ({ cpu }: ProcessUse): number => (cpu.user + cpu.system) / 1e6;
