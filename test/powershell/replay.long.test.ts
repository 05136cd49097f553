import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../agent/clock';
import { Client } from '../../agent/hyperv/powershell/calls/client';
import { driverOver } from '../../agent/hyperv/powershell/driver';
import type { TranscriptEntry } from '../../agent/hyperv/powershell/worker/transcript';
import { TestHosts } from '../simulated/test-hosts';
import { describeWithEngine } from './engine';
import { Replay, walkSourceSide } from './replay';
import { standInOver } from './stand-in/host';

/** Where to keep the transcript for replay.test.ts. */
const keptAs = process.env['HYPERFERRY_RECORD'];

describeWithEngine('a transcript', () => {
  const hosts = new TestHosts();
  const folder = mkdtempSync(join(tmpdir(), 'hyperferry-replay-'));
  beforeAll(() => hosts.make());
  afterAll(async () => {
    await hosts.close();
    await hosts.remove();
    rmSync(folder, { recursive: true });
  });

  test('answers the same operations with the same outcomes, without PowerShell', async () => {
    const entries: TranscriptEntry[] = [];
    const hostFolder = await hosts.hostFolder('source');
    const host = await standInOver(await hosts.open('source'), hostFolder, (entry) => void entries.push(entry));
    const outcomes = await walkSourceSide(host.driver, hosts.vmId);
    await host.close();
    const replay = new Replay(entries);
    const client = new Client({ lanes: { look: replay, act: replay }, clock: systemClock, warn: () => undefined });
    const again = await walkSourceSide(
      driverOver(client, { folder, roots: ['/'], clock: systemClock, newGuid: randomUUID, log: () => undefined }),
      hosts.vmId,
    );
    expect({ differences: replay.differences, left: replay.left, again }).toEqual({
      differences: [],
      left: 0,
      again: outcomes,
    });
    if (keptAs !== undefined)
      writeFileSync(
        keptAs,
        entries.map((entry) => `${JSON.stringify(entry).replaceAll(hostFolder, '/hosts/source')}\n`).join(''),
      );
  });
});
