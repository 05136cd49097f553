import { failed, failureOf, succeeded } from '../../contracts/failure';
import type { Answer, Question } from '../../contracts/migration';
import type { Run } from './run';
import type { Durable, Step } from './step';

/**
 * Asks a person before the pivot and waits for as long as it takes. Unlike a run that is parked because something went wrong, it can be
 * canceled: then it answers CanceledByOperator. The question has the number of the attempt and of the questions asked in it.
 */
export function* ask<Input>(run: Run<Input>, asked: Omit<Question, 'questionId'>): Durable<Step<Answer>> {
  const questionId = `q${run.epoch}-${run.nextQuestion()}`;
  run.state.question = { ...asked, questionId };
  run.show();
  for (;;) {
    const command = yield* run.nextCommand();
    const isAnswer = command.command === 'answer' && command.questionId === questionId;
    const answer = isAnswer && asked.answers.includes(command.answer) ? command.answer : undefined;
    if (answer === undefined && !run.cancelRequested) continue;
    run.state.question = null;
    run.show();
    if (answer !== undefined) return succeeded(answer);
    return failed(failureOf('CanceledByOperator', { message: 'Canceled instead of answered.', effect: 'applied' }));
  }
}
