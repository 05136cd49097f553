import { z } from 'zod';
import type { StartOperationInput } from '../../activities/definitions';
import { failed, failureOf, succeeded } from '../../contracts/failure';
import { migrationId, runIdOf, vmId } from '../../contracts/ids';
import {
  acceptedRequest,
  itineraryVersions,
  kindTakes,
  roleOf,
  runReport,
  type Kind,
  type RunInput,
  type RunReport,
} from '../../contracts/migration';
import { operationKinds, type OperationKind } from '../../contracts/operations';
import '../../functions/orchestrators';
import type { Invoker } from '../../runtime/engine/invoker';
import { createTestEngine, type TestEngine } from '../../runtime/testing/test-engine';
import { FakeAgents, World, type Plan, type Story } from './world';

const id = migrationId.parse('m1');
const instanceId = runIdOf(id);

/** The VM of every run here. */
export const theVm = vmId.parse('11111111-2222-3333-4444-555555555555');

const folderOf = (kind: Kind) => (kindTakes(kind, 'destinationFolder') ? { destinationFolder: '/vms' } : {});
const hostOf = (kind: Kind) => (kindTakes(kind, 'destinationHost') ? { destinationHost: 'hv-b' } : {});

function storyOf(kind: Kind): Story {
  if (kind === 'san') return 'lun';
  return kind === 'export' || kind === 'import' ? kind : 'move';
}

const inputOf = (kind: Kind, policy: object, more: object, version: number): RunInput => ({
  contract: 1,
  itineraryVersion: version,
  runId: instanceId,
  request: acceptedRequest.parse({
    ...{ id, kind, vmId: theVm, sourceHost: 'hv-a', policy },
    ...hostOf(kind),
    ...folderOf(kind),
    ...more,
  }),
  pace: { lookMsMin: 1000, lookMsMax: 5000, silenceMsMax: 60_000 },
});

/** One run of a kind on the real replay engine, against agents in this process. */
export class OneRun {
  readonly world: World;
  readonly agents: FakeAgents;
  readonly engine: TestEngine;
  readonly receipts: unknown[] = [];
  /** How often the run told that it needs its staged blocks no more, and whether that fails. */
  leaves = 0;
  leavesFail = false;
  /** What happens while a look has not been answered. */
  duringLook: (() => Promise<void>) | undefined;

  constructor(
    plans: readonly Plan[] = [],
    seed = 1,
    private readonly kind: Kind = 'quick-storage',
    private readonly policy: object = {},
    private readonly more: object = {},
    /** Sees, or changes, how functions are run. */
    invoker?: (own: Invoker) => Invoker,
    private readonly version: number = itineraryVersions[kind],
  ) {
    this.world = new World(storyOf(kind), roleOf(more) !== undefined);
    this.agents = new FakeAgents(this.world, plans, () => this.report);
    const start = (kind: OperationKind) => (asked: unknown) => this.agents.start(kind, asked as StartOperationInput);
    this.engine = createTestEngine({
      seed,
      ...(invoker !== undefined && { invoker }),
      activities: {
        ...Object.fromEntries(operationKinds.map((kind) => [kind, start(kind)])),
        preflight: () => this.agents.preflight(),
        'look-at-operations': async (asked: unknown) => {
          await this.duringLook?.();
          return succeeded(operationsOf(asked).map((one) => this.agents.look(one.operationId)));
        },
        'cancel-operations': (asked: unknown) => {
          for (const one of operationsOf(asked)) this.agents.cancel(one.operationId);
          return succeeded({});
        },
        'leave-staging': () => {
          this.leaves += 1;
          return this.leavesFail ? failed(failureOf('StorageUnavailable', { message: 'away' })) : succeeded({});
        },
        'write-receipt': (asked: unknown) => {
          this.receipts.push(asked);
          return succeeded({ leftovers: 0 });
        },
      },
    });
  }

  async begin(): Promise<void> {
    await this.engine.start(
      `migrate-${this.kind}`,
      { input: inputOf(this.kind, this.policy, this.more, this.version), state: null },
      instanceId,
    );
  }

  get report(): RunReport {
    return runReport.parse(this.engine.status(instanceId).customStatus);
  }

  /** Whether its history was cut and it goes on in another generation. */
  get isRenewed(): boolean {
    const { input } = this.engine.status(instanceId);
    return z.object({ state: z.unknown() }).parse(input).state !== null;
  }

  get ended(): boolean {
    return this.engine.status(instanceId).runtimeStatus === 'Completed';
  }

  /** Lets time pass until the run has ended or asks a question, at most three days. */
  async onward(): Promise<RunReport> {
    for (let minute = 0; minute < 3 * 24 * 60 && !this.ended; minute += 1) {
      await this.engine.advance(minute < 30 ? 10_000 : 600_000);
      if (this.report.question !== null) break;
    }
    return this.report;
  }

  async answer(answer: string): Promise<RunReport> {
    const questionId = this.report.question?.questionId ?? 'none';
    await this.send({ command: 'answer', questionId, answer });
    return this.onward();
  }

  /** Does what can be done while an activity has not ended; only for what happens during one. */
  async turns(): Promise<void> {
    while (await this.engine.step());
  }

  async send(command: unknown): Promise<void> {
    await this.engine.raiseEvent(instanceId, 'command', command);
    await this.engine.settle();
  }
}

const operationsOf = (asked: unknown): { operationId: string }[] =>
  (asked as { operations: { operationId: string }[] }).operations;
