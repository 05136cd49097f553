import * as df from 'durable-functions';
import { itineraries } from './kinds';
import { migrate } from './migrate';
import { runBatch } from './run-batch';

/** Registers one orchestration a kind, so that telemetry and the portal tell kinds apart. */
for (const itinerary of Object.values(itineraries))
  df.app.orchestration(`migrate-${itinerary.kind}`, migrate(itinerary));
df.app.orchestration('run-batch', runBatch);
