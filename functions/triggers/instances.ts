import type { DurableClient, DurableOrchestrationStatus } from 'durable-functions';
import { z } from 'zod';
import { describeThrown, failureOf } from '../../contracts/failure';
import {
  destinationHostOf,
  runInput,
  runReport,
  type MigrationStatus,
  type RunInput,
  type RunReport,
} from '../../contracts/migration';

/** The part of a run's generation that never changes. */
const startedWith = z.object({ input: runInput });

/** The status of an instance, or undefined where there is none: `getStatus` of durable-functions 3.5 throws on 404. */
export async function statusOf(
  client: DurableClient,
  instanceId: string,
): Promise<DurableOrchestrationStatus | undefined> {
  try {
    return await client.getStatus(instanceId, { showInput: true });
  } catch (thrown) {
    if (describeThrown(thrown).includes('404')) return undefined;
    throw thrown;
  }
}

const quiet: Omit<RunReport, 'state' | 'waitingFor' | 'failure'> = {
  schema: 1,
  phase: null,
  step: null,
  unwinding: false,
  progress: null,
  expectedEndAt: null,
  question: null,
  cancelRequested: false,
  cancelable: true,
  pausable: false,
  paused: false,
  concerns: [],
  concernsLeftOut: 0,
};

/** What a run reports of itself; before its first report, and when Durable itself ended it, what Durable says. */
function reportOf(status: DurableOrchestrationStatus): RunReport {
  const state: string = status.runtimeStatus;
  if (state === 'Failed' || state === 'Terminated' || state === 'Canceled') {
    const message = `Durable Functions ended the run as ${state}: ${describeOutput(status.output)}`;
    return {
      ...quiet,
      state: 'parked',
      waitingFor: 'a person',
      failure: failureOf('Bug', { message }),
      cancelable: false,
    };
  }
  const reported = runReport.safeParse(status.customStatus);
  if (!reported.success) return queued('its first phase');
  return state === 'Suspended'
    ? { ...reported.data, waitingFor: 'a resume: somebody suspended the instance' }
    : reported.data;
}

const describeOutput = (output: unknown): string =>
  (typeof output === 'string' ? output : JSON.stringify(output ?? null)).slice(0, 500);

export const queued = (waitingFor: string): RunReport => ({ ...quiet, state: 'queued', waitingFor, failure: null });

/** The input of a run, from the input of its instance; undefined for an instance that is no run. */
export function inputOf(status: DurableOrchestrationStatus): RunInput | undefined {
  const parsed = startedWith.safeParse(status.input);
  return parsed.success ? parsed.data.input : undefined;
}

type Facts = {
  readonly input: Pick<RunInput, 'request' | 'runId'>;
  readonly createdAt: string;
  readonly updatedAt: string;
};

/** The body of `GET /api/migrations/{id}`. */
export function migrationStatusOf({ input, createdAt, updatedAt }: Facts, report: RunReport): MigrationStatus {
  const { id, kind, vmId, sourceHost } = input.request;
  return {
    ...report,
    id,
    runId: input.runId,
    kind,
    vmId,
    sourceHost,
    destinationHost: destinationHostOf(input.request),
    createdAt,
    updatedAt,
    links: linksOf(id),
  };
}

/** The status of an instance as a migration's; undefined for an instance that is no run. */
export function migrationOfInstance(
  status: DurableOrchestrationStatus,
  createdAt?: string,
): MigrationStatus | undefined {
  const input = inputOf(status);
  if (input === undefined) return undefined;
  const facts = {
    input,
    createdAt: createdAt ?? timeOf(status.createdTime),
    updatedAt: timeOf(status.lastUpdatedTime),
  };
  return migrationStatusOf(facts, reportOf(status));
}

/** The SDK's typings say Date; single statuses hold one, lists hold text. */
const timeOf = (time: Date | string): string => new Date(time).toISOString();

export const linksOf = (id: string): MigrationStatus['links'] => ({
  self: `/api/migrations/${id}`,
  cancel: `/api/migrations/${id}/cancel`,
  answer: `/api/migrations/${id}/answer`,
  receipt: `/api/migrations/${id}/receipt`,
});
