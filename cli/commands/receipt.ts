import type { Command } from 'commander';
import { migrationId } from '../../contracts/ids';
import { apiOf } from '../api/api-of';
import {} from '../context';
import { failureOfApi } from '../failure';
import { receiptLines } from '../output/receipt';
import { parseField } from '../parse';
import { apiCommand, apiOptions, examples, type Run } from './command';
import { registerVerify } from './receipt-verify';

/** `hyperferry receipt ID` */
export function registerReceipt(program: Command, run: Run): void {
  const command = apiCommand(program, 'receipt ID', 'show the proof that an ended run leaves');
  examples(
    command,
    ['receipt web01-20260801-a1b2c3', 'phases, outage, bytes, digests and what was left behind'],
    ['receipt web01-20260801-a1b2c3 --json > web01.receipt.json', 'keeps the document'],
    ['receipt verify web01.receipt.json', 'says whether that document is as the app signed it'],
  );
  command.action((idText: string, options: unknown) =>
    run(async (context) => {
      const { json, ...address } = apiOptions.parse(options);
      const api = apiOf(context, address);
      if (!api.ok) return api.failure;
      const id = parseField(migrationId, idText, 'ID');
      if (!id.ok) return id.failure;
      const got = await api.value.receipt(id.value);
      if (!got.ok) return failureOfApi(got.error);
      if (json) context.output.json(got.value.document);
      else context.output.lines(receiptLines(got.value.receipt));
      return 'done';
    }),
  );
  registerVerify(command, run);
}
