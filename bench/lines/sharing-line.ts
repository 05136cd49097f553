import { startLine, type Line } from '../../agent/disks/route/testing/line';

/**
 * A line that gives each connection so many bytes a second from the source and no more, as a team of network adapters, a shaper, or a long way with
 * losses does.
 */
export const startSharingLine = (sourcePort: number, bytesPerSecondEach: number): Promise<Line> =>
  startLine(sourcePort, ({ destination, source }) => {
    let dueMs = 0;
    source.on('data', (chunk: Buffer) => {
      destination.write(chunk);
      const nowMs = performance.now();
      dueMs = Math.max(nowMs, dueMs) + (1000 * chunk.length) / bytesPerSecondEach;
      if (dueMs - nowMs < 1) return;
      source.pause();
      setTimeout(() => source.resume(), dueMs - nowMs);
    });
  });
