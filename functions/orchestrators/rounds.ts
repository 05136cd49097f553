import { z } from 'zod';
import { failed, failureOf, succeeded } from '../../contracts/failure';
import { diskId } from '../../contracts/ids';
import type { RunInputOf } from '../../contracts/migration';
import { told } from '../../contracts/receipt';
import { ask } from '../saga/ask';
import type { Run } from '../saga/run';
import { isRenew, type Durable, type Step } from '../saga/step';
import { parentImages, sizesOf, type Pulled } from './disks';
import { at, vmOf } from './operations-of-a-run';
import { lineOf, predictedOutageMs, shrinks } from './outage';
import { pullAll } from './pull-files';

type WarmRun = Run<RunInputOf<'warm'>>;

/** What pre-copy has done so far: kept from one generation of the run to the next, and from one attempt to the next. */
const preCopied = z.object({
  /** The round that comes next. */
  next: z.int().nonnegative(),
  /** What is carried besides in the outage when the VM is saved. */
  memoryBytes: z.int().nonnegative(),
  /** Image that the rounds of each disk change. */
  copied: z.array(z.object({ diskId, index: z.int().nonnegative() })),
  files: told.shape.files.unwrap(),
  rounds: told.shape.rounds.unwrap(),
  /** The last outage that was predicted. */
  predictedOutageMs: z.int().nonnegative(),
  /** Rounds up to this one were accepted by a person as not shrinking. */
  acceptedUpTo: z.int(),
  /**
   * Whether the next round is decided: a run that goes on from here looks at nothing before it. A round that may have begun is copied and
   * ended whatever a look says by then: taken for the last one, it would leave out what the guest wrote since it began.
   */
  decided: z.boolean().default(false),
  /** The round that was copied and whose end nobody has told yet. */
  unended: z.int().nonnegative().nullable().default(null),
});
export type PreCopied = z.infer<typeof preCopied>;

/** The first pass, unless it was made, and rounds until the last one fits the outage budget or a person or the policy lets it be longer. */
export function* preCopy(run: WarmRun): Durable<Step<PreCopied>> {
  const kept = run.kept(preCopied);
  if (kept !== undefined) return touched(yield* catchUp(run, kept));
  const first = yield* firstPass(run);
  if (!first.ok) return touched(first);
  run.keep(first.value);
  return touched(yield* catchUp(run, first.value));
}

/** A part of it that had no effect does not make the whole one without. */
const touched = <T>(step: Step<T>): Step<T> =>
  step.ok || isRenew(step) || step.failure.effect !== 'none' ? step : failed({ ...step.failure, effect: 'applied' });

function* firstPass(run: WarmRun): Durable<Step<PreCopied>> {
  run.letPause();
  const beganMs = run.now().getTime();
  const begun = yield* at(run, 'source', 'begin-round', { ...vmOf(run), round: 0 });
  if (!begun.ok) return begun;
  const sizes = sizesOf(begun.value);
  const images = parentImages(sizes);
  const pulled = yield* pullAll(run, images, 'pausable');
  if (!pulled.ok) return pulled;
  const changedBytes = images.reduce((sum, image) => sum + image.bytesExpected, 0);
  const sentBytes = pulled.value.reduce((sum, file) => sum + file.dataBytes, 0);
  const ofLine = lineOf(pulled.value);
  return yield* endRound(run, 0, (nowMs) => ({
    next: 1,
    memoryBytes: sizes.memoryBytes,
    copied: sizes.disks.map((disk) => ({ diskId: disk.diskId, index: disk.images.length - 2 })),
    files: pulled.value,
    rounds: [{ round: 0, changedBytes, sentBytes, tookMs: nowMs - beganMs, whole: true, ...(ofLine && { ofLine }) }],
    predictedOutageMs: 0,
    acceptedUpTo: -1,
    decided: false,
    unended: null,
  }));
}

/**
 * Ends a round that was copied. What it copied is kept before: once it has ended, which may happen without an answer, its content does not
 * stand still any more, and it cannot be copied a second time.
 */
function* endRound(run: WarmRun, round: number, copied: (nowMs: number) => PreCopied): Durable<Step<PreCopied>> {
  run.keep({ ...copied(run.now().getTime()), unended: round });
  const ended = yield* at(run, 'source', 'end-round', { ...vmOf(run), round });
  return ended.ok ? succeeded(copied(run.now().getTime())) : ended;
}

/** Rounds from where `before` stands until what is left fits. */
export function* catchUp(run: WarmRun, before: PreCopied): Durable<Step<PreCopied>> {
  run.letPause();
  let done = run.kept(preCopied) ?? before;
  // Not in what was kept before there was such a thing.
  if (typeof done.unended === 'number') {
    const ended = yield* at(run, 'source', 'end-round', { ...vmOf(run), round: done.unended });
    if (!ended.ok) return ended;
    done = { ...done, unended: null };
    run.keep(done);
  }
  for (;;) {
    if ((yield* run.whilePaused()) === 'cancel')
      return failed(failureOf('CanceledByOperator', { message: 'Canceled.', effect: 'applied' }));
    if (!done.decided) {
      const look = yield* at(run, 'source', 'look-at-changes', vmOf(run));
      if (!look.ok) return look;
      done = { ...done, predictedOutageMs: predictedOutageMs(run.input, done, look.value.changedBytes) };
      if (run.paused) continue;
      if (done.predictedOutageMs <= run.input.request.policy.outageMsMax) return succeeded(done);
      const verdict = yield* judge(run, done);
      if (!verdict.ok) return verdict;
      if (verdict.value === 'cut-over') return succeeded(done);
      const acceptedUpTo = verdict.value === 'accepted' ? done.next + roundsPerAnswer : done.acceptedUpTo;
      done = { ...done, acceptedUpTo, decided: true };
      run.keep(done);
    }
    const next = yield* oneRound(run, done);
    if (!next.ok) return next;
    done = next.value;
    run.keep(done);
  }
}

/** A person who wants more rounds is asked again after so many. */
const roundsPerAnswer = 3;

/** Whether another round helps. Where rounds have stopped shrinking, or are as many as allowed, the policy says what then. */
function* judge(run: WarmRun, done: PreCopied): Durable<Step<'go-on' | 'accepted' | 'cut-over'>> {
  const { outageMsMax, ifNotShrinking, roundsMax } = run.input.request.policy;
  const helps = done.next <= done.acceptedUpTo || (done.next <= roundsMax && shrinks(done.rounds));
  if (helps) return succeeded('go-on');
  const predicted = `an outage of about ${Math.ceil(done.predictedOutageMs / 1000)} s, more than the ${outageMsMax / 1000} s that are allowed`;
  const message = `After ${done.next} rounds the guest still writes as fast as it is copied: a cutover now means ${predicted}.`;
  const failure = failureOf('LagNotShrinking', { message });
  if (ifNotShrinking === 'cut-over') return succeeded('cut-over');
  if (ifNotShrinking === 'give-up') return failed(failure);
  const text = `${message} accept: cut over all the same; retry: go on with more rounds. A cancel brings everything back as it was.`;
  const answer = yield* ask(run, { text, answers: ['accept', 'retry'], failure });
  if (!answer.ok) return answer;
  return succeeded(answer.value === 'accept' ? 'cut-over' : 'accepted');
}

function* oneRound(run: WarmRun, done: PreCopied): Durable<Step<PreCopied>> {
  const beganMs = run.now().getTime();
  const round = done.next;
  const begun = yield* at(run, 'source', 'begin-round', { ...vmOf(run), round });
  if (!begun.ok) return begun;
  const changes = changesOf(done, round, begun.value.changed);
  const pulled = yield* pullAll(run, changes, 'pausable');
  if (!pulled.ok) return pulled;
  return yield* endRound(run, round, (nowMs) => ({
    ...done,
    next: round + 1,
    decided: false,
    files: withRound(done.files, pulled.value),
    rounds: [
      ...done.rounds,
      {
        round,
        changedBytes: begun.value.changed.reduce((sum, disk) => sum + disk.changedBytes, 0),
        sentBytes: pulled.value.reduce((sum, file) => sum + file.dataBytes, 0),
        tookMs: nowMs - beganMs,
        whole: begun.value.changed.some((disk) => disk.whole),
      },
    ],
  }));
}

type Changed = readonly { readonly diskId: PreCopied['copied'][number]['diskId']; readonly changedBytes: number }[];

/** What changed of each disk, into the copy that the first pass made of it. */
function changesOf(done: PreCopied, round: number, changed: Changed): Pulled[] {
  return changed.flatMap(({ diskId: of, changedBytes }): Pulled[] => {
    const index = done.copied.find((disk) => disk.diskId === of)?.index;
    if (index === undefined) throw new Error(`the first pass copied no disk ${of}`);
    const subject = { type: 'changes' as const, diskId: of, index, round };
    return [{ label: `${of}_round-${round}`, subject, bytesExpected: changedBytes }];
  });
}

/** The last round, of a VM that stands still: what changed, which parts that was, and what the VM is besides its disks. */
export function* lastRound(run: WarmRun, done: PreCopied, memoryFileBytes: number | null): Durable<Step<LastRound>> {
  const round = done.next;
  const begun = yield* at(run, 'source', 'begin-round', { ...vmOf(run), round });
  if (!begun.ok) return begun;
  const ranges = done.copied.map(({ diskId: of }): Pulled => ({
    label: `${of}_ranges-${round}`,
    subject: { type: 'ranges', diskId: of, round },
    bytesExpected: 0,
  }));
  const pulled = yield* pullAll(run, [
    ...changesOf(done, round, begun.value.changed),
    ...ranges,
    ...ofVm(memoryFileBytes),
  ]);
  return pulled.ok ? succeeded({ round, files: pulled.value }) : pulled;
}
type LastRound = { readonly round: number; readonly files: PreCopied['files'] };

/** The VM's own files: its memory where it was saved, and its configuration. */
export const ofVm = (memoryFileBytes: number | null): Pulled[] => [
  ...(memoryFileBytes === null
    ? []
    : [{ label: 'memory', subject: { type: 'file', file: 'memory' } as const, bytesExpected: memoryFileBytes }]),
  { label: 'configuration', subject: { type: 'file', file: 'configuration' }, bytesExpected: 0 },
];

/** Rounds are told in the receipt disk by disk, all together; their digests are those of the last. */
function withRound(files: PreCopied['files'], round: PreCopied['files']): PreCopied['files'] {
  const all = new Map(files.map((file) => [file.name, file]));
  for (const file of round) {
    const name = file.name.replace(/_round-\d+$/, '_rounds');
    const before = all.get(name);
    all.set(name, {
      name,
      digest: file.digest,
      dataBytes: file.dataBytes + (before?.dataBytes ?? 0),
      sentBytes: file.sentBytes + (before?.sentBytes ?? 0),
      resentBytes: file.resentBytes + (before?.resentBytes ?? 0),
      zeroBytes: file.zeroBytes + (before?.zeroBytes ?? 0),
      ...savedBy(file, before),
    });
  }
  return [...all.values()];
}

const savedBy = (...files: readonly ({ readonly savedBytes?: number | undefined } | undefined)[]) => {
  const savedBytes = files.reduce((sum, file) => sum + (file?.savedBytes ?? 0), 0);
  return savedBytes === 0 ? {} : { savedBytes };
};
