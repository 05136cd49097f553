import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../agent/clock';
import { Client } from '../../agent/hyperv/powershell/calls/client';
import { calls } from '../../agent/hyperv/powershell/calls/definitions';
import { driverOver } from '../../agent/hyperv/powershell/driver';
import { transcriptEntry, type TranscriptEntry } from '../../agent/hyperv/powershell/worker/transcript';
import { vmId as vmIdOf } from '../../contracts/ids';
import { perform } from '../conformance/hyperv-move';
import { projectRoot } from '../project-root';
import { recordedRun, Replay, sourceSide, walkSourceSide } from './replay';

/** Recorded by replay.long.test.ts with HYPERFERRY_RECORD. */
const recorded = readFileSync(join(projectRoot, 'test', 'powershell', 'transcripts', 'source-side.jsonl'), 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => transcriptEntry.parse(JSON.parse(line)));
const vmId = vmIdOf.parse(recorded.find(({ args }) => args['VmId'] !== undefined)?.args['VmId']);

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hyperferry-replay-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

/** A clock that goes on by a second with each look. */
function steppingClock(): Clock {
  let nowMs = Date.parse('2026-01-02T03:04:05Z');
  return { now: () => (nowMs += 1000), sleep: () => Promise.resolve() };
}

function over(entries: readonly TranscriptEntry[]) {
  const replay = new Replay(entries);
  const clock = steppingClock();
  const client = new Client({ lanes: { look: replay, act: replay }, clock, warn: () => undefined });
  return {
    replay,
    driver: driverOver(client, { folder, roots: ['/hosts/source'], clock, newGuid: randomUUID, log: () => undefined }),
  };
}

test('a recorded run at the source has the outcomes that it had, call for call', async () => {
  const { replay, driver } = over(recorded);
  const outcomes = (await walkSourceSide(driver, vmId)) as [string, { ok: boolean; failure?: { code: string } }][];
  expect(replay.differences).toEqual([]);
  expect(replay.left).toBe(0);
  const told = outcomes.map(([kind, { ok, failure }]) => [kind, ok ? 'succeeded' : failure?.code]);
  expect(told).toEqual(sourceSide.map((kind, at) => [kind, at === 7 ? 'VmFenced' : 'succeeded']));
});

const acts = recorded.flatMap(({ call }, at) =>
  calls[call as keyof typeof calls].lane === 'act' ? [[call, at] as const] : [],
);

test.each(acts)(
  'the reply to %s (call %d) that is lost leaves the effect unknown, and nothing is asked after it',
  async (_call, at) => {
    const lost = recorded.map((entry, index) =>
      index === at ? { ...entry, answer: { type: 'lost', why: 'killed' } } : entry,
    );
    const { replay, driver } = over(lost);
    for (const kind of sourceSide) {
      const input = kind === 'await-heartbeat' ? { vmId, waitMsMax: 600_000 } : { vmId };
      const outcome = await perform(driver, recordedRun, kind, input as never);
      if (replay.left > recorded.length - at - 1) continue;
      expect(outcome).toMatchObject({
        ok: false,
        failure: { code: 'HyperVSilent', effect: 'unknown', retry: 'transient' },
      });
      expect(replay.left).toBe(recorded.length - at - 1);
      return;
    }
    throw new Error('the call was not made');
  },
);

test('what a worker answers that is not of its schema is no answer', async () => {
  for (const value of [null, {}, { vms: [{}] }, { vms: 'x' }, [], 7]) {
    const { driver } = over([{ ...(recorded[0] as TranscriptEntry), answer: { type: 'value', value, warnings: [] } }]);
    const outcome = await perform(driver, recordedRun, 'await-heartbeat', { vmId, waitMsMax: 1 });
    expect(outcome).toMatchObject({ failure: { code: 'HyperVSilent', effect: 'none' } });
  }
});
