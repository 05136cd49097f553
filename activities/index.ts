import * as df from 'durable-functions';
import type { ActivityDefinition } from '../contracts/activity';
import type { Outcome } from '../contracts/failure';
import { operationKinds } from '../contracts/operations';
import type { App } from './app';
import { cancelOperations } from './cancel-operations';
import * as definitions from './definitions';
import { lookAtOperations } from './look-at-operations';
import { preflight } from './preflight';
import { readBatch, readBatchMember } from './read-batch';
import { leaveStaging } from './leave-staging';
import { startOperation } from './start-operation';
import { writeReceipt } from './write-receipt';

/** Registers every activity. `app` is asked for at the first call, so that loading the app needs no settings. */
export function registerActivities(app: () => App): void {
  const register = <Input, Output>(
    definition: ActivityDefinition<Input, Output>,
    body: (app: App, input: Input) => Promise<Outcome<Output>>,
  ): void => {
    df.app.activity(definition.name, { handler: (raw: unknown) => body(app(), definition.input.parse(raw)) });
  };
  for (const kind of operationKinds)
    register(definitions.startOperation(kind), (own, input) => startOperation(own, kind, input));
  register(definitions.lookAtOperations, lookAtOperations);
  register(definitions.cancelOperations, cancelOperations);
  register(definitions.preflight, preflight);
  register(definitions.leaveStaging, leaveStaging);
  register(definitions.writeReceipt, writeReceipt);
  register(definitions.readBatch, readBatch);
  register(definitions.readBatchMember, readBatchMember);
}
