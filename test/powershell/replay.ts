import { z } from 'zod';
import type { HyperVDriver } from '../../agent/hyperv/driver';
import type { Answers } from '../../agent/hyperv/powershell/calls/client';
import type { LaneAnswer } from '../../agent/hyperv/powershell/worker/lane';
import { nativeError } from '../../agent/hyperv/powershell/worker/native-error';
import type { TranscriptEntry } from '../../agent/hyperv/powershell/worker/transcript';
import { runId, type VmId } from '../../contracts/ids';
import { perform } from '../conformance/hyperv-move';

const answer = z.discriminatedUnion('type', [
  z.object({ type: z.literal('value'), value: z.unknown(), warnings: z.array(z.string()) }),
  z.object({ type: z.literal('error'), error: nativeError }),
  z.object({ type: z.literal('lost'), why: z.string() }),
  z.object({ type: z.literal('unavailable'), why: z.string() }),
]);

/** Answers calls as a transcript has them, in its order. A call that is not the next one is a difference, which it is answered with. */
export class Replay implements Answers {
  private next = 0;
  readonly differences: string[] = [];

  constructor(private readonly entries: readonly TranscriptEntry[]) {}

  get left(): number {
    return this.entries.length - this.next;
  }

  call(handler: string, args: object): Promise<LaneAnswer> {
    const entry = this.entries[this.next++];
    const asked = `${handler} ${JSON.stringify(args)}`;
    const recorded = entry === undefined ? 'nothing more' : `${entry.call} ${JSON.stringify(entry.args)}`;
    if (entry !== undefined && asked === recorded) return Promise.resolve(answer.parse(entry.answer));
    this.differences.push(`asked: ${asked}; recorded: ${recorded}`);
    return Promise.resolve({ type: 'unavailable', why: 'the transcript has another call here' });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

export const recordedRun = runId.parse('recorded-r1');

/** What a run does at its source, and takes back. */
export const sourceSide = [
  'await-heartbeat',
  'reserve-vm',
  'check-disks',
  'take-vm-checkpoint',
  'save-vm',
  'save-vm',
  'fence-vm',
  'resume-vm',
  'unfence-vm',
  'resume-vm',
  'remove-vm-checkpoint',
  'release',
] as const;

/** Walks through it, and answers what each operation gave, without what depends on the clock. */
export async function walkSourceSide(driver: HyperVDriver, vmId: VmId): Promise<unknown[]> {
  const outcomes: unknown[] = [];
  for (const kind of sourceSide) {
    const input = kind === 'await-heartbeat' ? { vmId, waitMsMax: 600_000 } : { vmId };
    const outcome = await perform(driver, recordedRun, kind, input as never);
    outcomes.push([kind, JSON.parse(JSON.stringify(outcome, withoutTimes))]);
  }
  return outcomes;
}

const withoutTimes = (key: string, value: unknown): unknown =>
  ['seenAt', 'savedAt', 'outageMs'].includes(key) ? typeof value : value;
