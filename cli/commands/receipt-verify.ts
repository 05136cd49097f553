import type { KeyObject } from 'node:crypto';
import type { Command } from 'commander';
import { z } from 'zod';
import { describeThrown } from '../../contracts/failure';
import { keyIdOf, verifyReceipt, type ReceiptVerdict } from '../../relay/receipt-signature';
import { publicKeyFrom } from '../../relay/signing';
import { apiOf } from '../api/api-of';
import { bad, good, type CommandResult, type Context, type Result } from '../context';
import { badInput, failureOfApi, type CliFailure } from '../failure';
import { factLines } from '../output/table';
import { apiCommand, apiOptions, examples, type Run } from './command';
import { readDocument } from './document-file';
import { judgeAll, parseEvidence, type Judged } from './receipt-evidence';

const texts = z.array(z.string()).default([]);
const verifyOptions = apiOptions.extend({
  publicKey: z.string().optional(),
  disk: texts,
  chunks: texts,
  proof: texts,
  root: texts,
  raw: z.boolean().default(false),
});
type VerifyOptions = z.infer<typeof verifyOptions>;

type TrustedKey = { readonly key: KeyObject; readonly from: string };

/** The key of `--public-key`, else the one that the app says is its own. */
async function trustedKey(context: Context, options: VerifyOptions): Promise<Result<TrustedKey>> {
  if (options.publicKey !== undefined) return parseKey(options.publicKey, '--public-key');
  const api = apiOf(context, options);
  if (!api.ok) return api;
  const answered = await api.value.receiptKey();
  if (!answered.ok) return bad(failureOfApi(answered.error));
  return parseKey(answered.value.publicKeyBase64, api.value.baseUrl);
}

function parseKey(text: string, from: string): Result<TrustedKey> {
  try {
    return good({ key: publicKeyFrom(text), from });
  } catch (thrown) {
    return bad(
      badInput('the public key cannot be read', {
        detail: describeThrown(thrown),
        field: from,
        value: text.slice(0, 80),
        remedy:
          'Give an Ed25519 public key (SPKI, base64), as `hyperferry keys` prints it and agents hold it in appPublicKeys.',
      }),
    );
  }
}

const titles: Record<Exclude<ReceiptVerdict, { genuine: true }>['reason'], string> = {
  'not-a-receipt': 'the document is not a receipt',
  'other-key': 'the receipt was signed with another key',
  forged: 'the receipt is not genuine',
};

const remedies: typeof titles = {
  'not-a-receipt':
    'Name what hyperferry receipt ID --json prints; for another schema, take the hyperferry that wrote it.',
  'other-key': 'Give the public key of the app that wrote it (--public-key).',
  forged: 'Get it again from the app: hyperferry receipt ID --json.',
};

const notGenuine = (verdict: Exclude<ReceiptVerdict, { genuine: true }>, file: string): CliFailure => ({
  exit: verdict.reason === 'not-a-receipt' ? 'badInput' : 'refused',
  title: titles[verdict.reason],
  detail: verdict.detail,
  field: 'FILE',
  value: file,
  remedy: remedies[verdict.reason],
});

async function verify(context: Context, file: string, options: VerifyOptions): Promise<CommandResult> {
  const named = parseEvidence(options);
  if (!named.ok) return named.failure;
  const read = await readDocument(file, {
    next: 'hyperferry receipt verify --help',
    tooLong: 'Give one receipt a file.',
  });
  if (!read.ok) return read.failure;
  const trusted = await trustedKey(context, options);
  if (!trusted.ok) return trusted.failure;
  const { key, from } = trusted.value;
  const verdict = verifyReceipt(key, read.value);
  if (!verdict.genuine) return notGenuine(verdict, file);
  const judged = await judgeAll(context, verdict.receipt, named.value, options);
  if (!judged.ok) return judged.failure;
  const evidence = judged.value;
  const { id, runId, state } = verdict.receipt;
  const keyId = keyIdOf(key);
  if (options.json) context.output.json({ genuine: true, id, runId, state, keyId, keyFrom: from, evidence });
  else
    context.output.lines([
      `${file}: genuine`,
      ...factLines(
        [
          ['run', `${runId}, ${state}`],
          ['key', `${keyId}, from ${from}`],
        ],
        '  ',
      ),
      ...evidence.map(evidenceLine),
    ]);
  if (evidence.every(({ matches }) => matches)) return 'done';
  if (evidence.some(({ kind, matches }) => kind === 'disk' && !matches)) context.output.note(whyAnother);
  return 'different';
}

/** The two that are no fault: the VM ran on, or its checkpoints are in files beside the one that was named. */
const whyAnother =
  'a disk is another once anything was written to it; of a disk with VM checkpoints, name the last file of its chain (.avhdx). Where it is another, disk changes says.';

const evidenceLine = ({ diskId, path, matches, what }: Judged): string =>
  `  ${diskId}: ${path}: ${what}: ${matches ? 'as on the disk that was moved' : 'NOT as on the disk that was moved'}`;

const collect = (value: string, before: string[] = []): string[] => [...before, value];

/** `hyperferry receipt verify FILE` */
export function registerVerify(receipt: Command, run: Run): void {
  const command = apiCommand(
    receipt,
    'verify FILE',
    'say whether a receipt is as the app signed it, and whether disks are as it says',
  )
    .option(
      '--public-key <key>',
      'the key to trust, SPKI in base64 (default: the one that the app names, which must be reachable then)',
    )
    .option(
      '--disk <disk=file>',
      'whether this file, the last of its chain, reads as that disk of the receipt; again and again',
      collect,
    )
    .option('--chunks <disk=list>', 'whether this chunk list (disk digest --chunks) is of that disk', collect)
    .option('--proof <disk=file>', 'whether this proof (disk prove) shows a chunk of that disk', collect)
    .option('--root <folder>', 'folder below which the files of a chain may be (default: the folder of FILE)', collect)
    .option('--raw', 'a file whose name does not say what it is holds a raw image');
  examples(
    command,
    ['receipt verify web01.receipt.json', 'exit code 0 only when every field is as it was signed'],
    ['receipt verify web01.receipt.json --public-key MCowBQ...', 'without asking anybody'],
    [
      'receipt verify web01.receipt.json --disk scsi-0-0=web01.vhdx',
      'exit code 8 if it is not the disk that was moved',
    ],
  );
  command.action((file: string, _options: unknown, self: Command) =>
    run((context) => verify(context, file, verifyOptions.parse(self.optsWithGlobals()))),
  );
}
