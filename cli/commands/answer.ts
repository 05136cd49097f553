import { Argument, type Command } from 'commander';
import { z } from 'zod';
import { migrationId, type MigrationId } from '../../contracts/ids';
import { answers, type Answer } from '../../contracts/migration';
import type { HyperferryApi } from '../api/client';
import { apiOf } from '../api/api-of';
import { bad, good, type CommandResult, type Context, type Result } from '../context';
import { badInput, failureOfApi } from '../failure';
import { parseField } from '../parse';
import { apiCommand, apiOptions, examples, type Run } from './command';
import { watchTo } from './watch';

const answerOptions = apiOptions.extend({
  question: z.string().max(100).optional(),
  watch: z.boolean().default(false),
});
type AnswerOptions = z.infer<typeof answerOptions>;

/** The question that stands now, when this answer fits it. */
async function questionFor(api: HyperferryApi, id: MigrationId, answer: Answer): Promise<Result<string>> {
  const status = await api.migration(id);
  if (!status.ok) return bad(failureOfApi(status.error));
  const { question, state } = status.value;
  if (question === null)
    return bad({
      exit: 'refused',
      title: 'the run asks nothing',
      detail: `${id} is ${state}`,
      remedy: 'Look at what it does.',
      next: `hyperferry status ${id}`,
    });
  if (!question.answers.includes(answer))
    return bad(
      badInput('this answer does not fit the question', {
        detail: question.text,
        field: 'ANSWER',
        value: answer,
        remedy: `Answer ${question.answers.join(' or ')}.`,
        next: `hyperferry status ${id}`,
      }),
    );
  return good(question.questionId);
}

async function send(
  context: Context,
  idText: string,
  answerText: string,
  options: AnswerOptions,
): Promise<CommandResult> {
  const api = apiOf(context, options);
  if (!api.ok) return api.failure;
  const id = parseField(migrationId, idText, 'ID');
  if (!id.ok) return id.failure;
  const answer = parseField(z.enum(answers), answerText, 'ANSWER');
  if (!answer.ok) return answer.failure;
  const question =
    options.question === undefined ? await questionFor(api.value, id.value, answer.value) : good(options.question);
  if (!question.ok) return question.failure;
  const sent = await api.value.answer(id.value, question.value, answer.value);
  if (!sent.ok) return failureOfApi(sent.error);
  if (options.watch) return watchTo(context, api.value, id.value, { json: options.json, stay: true, patience: 900 });
  if (options.json) context.output.json({ id: id.value, questionId: question.value, answer: answer.value });
  else context.output.line(`${id.value}: answered ${answer.value}`);
  context.output.note(`next: hyperferry watch ${id.value}`);
  return 'done';
}

/** `hyperferry answer ID ANSWER` */
export function registerAnswer(program: Command, run: Run): void {
  const command = apiCommand(program, 'answer', 'answer the question of a run that waits for one')
    .argument('ID', 'the migration')
    .addArgument(new Argument('ANSWER', 'what to do').choices(answers))
    .option('--question <id>', 'answer this question only (default: the one that stands now)')
    .option('--watch', 'follow the run to its end');
  examples(
    command,
    ['answer web01-20260801-a1b2c3 retry', 'does the phase again that the question is about'],
    ['answer web01-20260801-a1b2c3 accept --watch', 'takes it as done, as you have seen to it, and follows the run'],
  );
  command.action((idText: string, answerText: string, options: unknown) =>
    run(async (context) => {
      const parsed = parseField(answerOptions, options, 'options');
      return parsed.ok ? send(context, idText, answerText, parsed.value) : parsed.failure;
    }),
  );
}
