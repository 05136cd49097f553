import type { Answer, Question, RunReport } from '../../contracts/migration';
import { runCommandEvent } from '../../contracts/migration';
import type { Watch } from './oracles/watch';
import type { Draw } from './platform/chance';
import { outside } from './platform/program';
import type { Site } from './world/site';

export type Person = {
  readonly site: Site;
  readonly watch: Watch;
  readonly draw: Draw;
  /** How often each run's question at a phase was answered with a retry. */
  readonly retries: Map<string, number>;
};

const answerMs = [5_000, 90_000] as const;
/** After so many the person gives up on a phase: leaves it as it is, or undone. */
const retriesMax = 4;

/** A person who looks after a while, and answers truthfully: `accept` at the pivot means that the VM was seen to be started. */
export function answerQuestion(person: Person, move: number): void {
  const { site, watch, draw } = person;
  const watched = watch.moves[move];
  const question = watched?.run.report?.question;
  if (watched === undefined || question === undefined || question === null) return;
  site.loop.schedule(
    draw.between(...answerMs),
    () => {
      const { report } = watched.run;
      if (report?.question?.questionId !== question.questionId) return;
      const answer = answerTo(person, move, report, question);
      const command = { command: 'answer', questionId: question.questionId, answer };
      void site.cloud.client.raiseEvent(watched.run.runId, runCommandEvent, JSON.stringify(command));
    },
    outside,
  );
}

function answerTo({ watch, draw, retries }: Person, move: number, report: RunReport, question: Question): Answer {
  const watched = watch.moves[move];
  const key = `${move} ${report.phase ?? ''}`;
  const tried = retries.get(key) ?? 0;
  retries.set(key, tried + 1);
  const atPivot = question.text.startsWith('It is not known');
  if (atPivot) return watched?.vm.moved === true && draw.oneIn(2) ? 'accept' : 'retry';
  // What a kind asks on its way, such as an approval, has no retry.
  if (!question.answers.includes('retry')) return draw.pick(question.answers);
  if (tried < retriesMax) return 'retry';
  if (watched !== undefined) watched.excused = true;
  watch.mark('a person gave up on a phase');
  return question.answers.includes('skip') ? 'skip' : 'accept';
}
