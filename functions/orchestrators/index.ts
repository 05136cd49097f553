import * as df from 'durable-functions';
import { kinds } from '../../contracts/migration';
import { migrate } from './migrate';
import { runBatch } from './run-batch';

/** Registers one orchestration a kind, so that telemetry and the portal tell kinds apart. */
for (const kind of kinds) df.app.orchestration(`migrate-${kind}`, migrate);
df.app.orchestration('run-batch', runBatch);
