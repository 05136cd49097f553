import type { Answer, Question } from '../../contracts/migration';
import type { Run } from './run';
import type { Durable } from './step';

/**
 * Waits for a person's answer to a question, however long it takes. Answers to other questions, answers that the question does not
 * offer, and cancels change nothing: a run that parks is either past its pivot or already unwinding.
 */
export function* park<Input>(run: Run<Input>, asked: Omit<Question, 'questionId'>): Durable<Answer> {
  const questionId = `q${run.state.epoch}`;
  run.state.question = { ...asked, questionId };
  run.show();
  for (;;) {
    const command = yield* run.inbox.wait();
    if (command.command !== 'answer' || command.questionId !== questionId) continue;
    if (!asked.answers.includes(command.answer)) continue;
    run.state.question = null;
    run.show();
    return command.answer;
  }
}
