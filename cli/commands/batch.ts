import type { Command } from 'commander';
import { batchRequest, type BatchRequest, type BatchStatus } from '../../contracts/batch';
import { batchId } from '../../contracts/ids';
import { runStates } from '../../contracts/migration';
import { apiOf } from '../api/api-of';
import { bad, good, type CommandResult, type Context, type Result } from '../context';
import { badInput, failureOfApi } from '../failure';
import { factLines, tableLines } from '../output/table';
import { failureText } from '../output/status';
import { parseField } from '../parse';
import { readDocument } from './document-file';
import { apiCommand, apiOptions, examples, type ApiCommandOptions, type Run } from './command';
import { newBatchId } from './new-id';
import { submitted } from './submit';

const countsText = (batch: BatchStatus): string =>
  runStates
    .map((state) => [state, batch.counts[state]] as const)
    .filter(([, count]) => count > 0)
    .map(([state, count]) => `${count} ${state}`)
    .join(', ');

function batchLines(batch: BatchStatus): string[] {
  const rows = batch.migrations.map(({ id, state, failure }) => [
    `  ${id}`,
    state,
    failure === null ? '' : failureText(failure),
  ]);
  return [
    `${batch.id}: ${batch.state}`,
    ...factLines(
      [
        ['starts', batch.startAt],
        ['at once', `at most ${batch.maxConcurrent}`],
        ['counts', countsText(batch)],
      ],
      '  ',
    ),
    ...tableLines(['  MIGRATION', 'STATE', 'REASON'], rows),
  ];
}

async function documentOf(context: Context, file: string): Promise<Result<BatchRequest & { id: BatchStatus['id'] }>> {
  const read = await readDocument(file, {
    next: 'hyperferry batch submit --help',
    tooLong: 'Split it into several batches.',
  });
  if (!read.ok) return read;
  const parsed = batchRequest.safeParse(read.value);
  if (parsed.success)
    return good({ ...parsed.data, id: parsed.data.id ?? newBatchId(context.clock, context.randomBytes) });
  const issues = parsed.error.issues.slice(0, 10).map(({ path, message }) => `${path.join('.')}: ${message}`);
  return bad(
    badInput(`${file} is not a batch`, {
      field: parsed.error.issues[0]?.path.join('.') ?? '',
      detail: issues.join('; '),
      remedy: 'Correct the named fields.',
      next: 'hyperferry batch submit --help',
    }),
  );
}

async function submit(context: Context, file: string, options: ApiCommandOptions): Promise<CommandResult> {
  const document = await documentOf(context, file);
  if (!document.ok) return document.failure;
  const api = apiOf(context, options);
  if (!api.ok) return api.failure;
  const started = await submitted(context, () => api.value.submitBatch(document.value));
  if (!started.ok) return failureOfApi(started.error);
  const { id } = started.value;
  const { startAt, migrations } = document.value;
  if (options.json) context.output.json({ id, startAt, migrations: migrations.length });
  else {
    context.output.line(id);
    context.output.note(`${migrations.length} migration(s), from ${startAt} on; next: hyperferry batch show ${id}`);
  }
  return 'done';
}

async function list(context: Context, options: ApiCommandOptions): Promise<CommandResult> {
  const api = apiOf(context, options);
  if (!api.ok) return api.failure;
  const page = await api.value.batches();
  if (!page.ok) return failureOfApi(page.error);
  const rows = page.value.items.map((batch) => [
    batch.id,
    batch.state,
    batch.startAt,
    String(batch.migrations.length),
    countsText(batch),
  ]);
  if (options.json) context.output.json(page.value);
  else if (rows.length === 0) context.output.note('no batches');
  else context.output.lines(tableLines(['ID', 'STATE', 'STARTS', 'MIGRATIONS', 'COUNTS'], rows));
  if (page.value.next !== null) context.output.note('there are more than these');
  return 'done';
}

async function show(context: Context, idText: string, options: ApiCommandOptions): Promise<CommandResult> {
  const api = apiOf(context, options);
  if (!api.ok) return api.failure;
  const id = parseField(batchId, idText, 'ID');
  if (!id.ok) return id.failure;
  const batch = await api.value.batch(id.value);
  if (!batch.ok) return failureOfApi(batch.error);
  if (options.json) context.output.json(batch.value);
  else context.output.lines(batchLines(batch.value));
  return 'done';
}

const exampleDocument = `
A batch file:
  {
    "id": "weekend-1",
    "startAt": "2026-08-01T22:00:00+02:00",
    "maxConcurrent": 2,
    "migrations": [
      {
        "kind": "quick-storage",
        "vmId": "6f9619ff-8b86-d011-b42d-00c04fc964ff",
        "sourceHost": "host-a",
        "destinationHost": "host-b",
        "destinationFolder": "/vm"
      }
    ]
  }
  Further fields are those of POST /api/migrations; GET /api/openapi.json lists them.`;

/** `hyperferry batch submit FILE | list | show ID` */
export function registerBatch(program: Command, run: Run): void {
  const batch = program.command('batch').description('plans of many migrations that start at a time');
  examples(
    batch,
    ['batch submit weekend.json', 'keeps the plan; its migrations start at its time'],
    ['batch show weekend-1', 'what became of each migration'],
  );
  const submitCommand = apiCommand(batch, 'submit FILE', 'submit a batch from a JSON file, or from - (standard input)');
  examples(
    submitCommand,
    ['batch submit weekend.json', 'prints the id of the batch'],
    ['batch submit - --json < weekend.json', 'the same from standard input, answered as a document'],
  ).addHelpText('after', exampleDocument);
  submitCommand.action((file: string, options: unknown) =>
    run((context) => submit(context, file, apiOptions.parse(options))),
  );
  const listCommand = apiCommand(batch, 'list', 'list the batches');
  examples(listCommand, ['batch list', 'one line a batch'], ['batch list --json', 'a document: { items, next }']);
  listCommand.action((options: unknown) => run((context) => list(context, apiOptions.parse(options))));
  const showCommand = apiCommand(batch, 'show ID', 'show one batch and what became of each migration');
  examples(showCommand, ['batch show weekend-1', 'states and reasons'], ['batch show weekend-1 --json', 'a document']);
  showCommand.action((id: string, options: unknown) => run((context) => show(context, id, apiOptions.parse(options))));
}
