import type { StartOperationInput } from '../../activities/definitions';
import { succeeded } from '../../contracts/failure';
import { migrationId, runIdOf } from '../../contracts/ids';
import { acceptedRequest, type RunInput } from '../../contracts/migration';
import { operationKinds, type OperationKind } from '../../contracts/operations';
import '../../functions/orchestrators';
import { createTestEngine, type TestEngine } from '../../runtime/testing/test-engine';
import { FakeAgents, World, type Plan } from './world';

const memberCount = 6;

const inputOf = (index: number): RunInput => {
  const id = migrationId.parse(`b-${index + 1}`);
  const request = acceptedRequest.parse({
    id,
    kind: 'quick-storage',
    vmId: `00000000-0000-0000-0000-00000000000${index}`,
    sourceHost: 'hv-a',
    destinationHost: 'hv-b',
    destinationFolder: '/vms',
  });
  const pace = { lookMsMin: 1000, lookMsMax: 2000, silenceMsMax: 60_000 };
  return { contract: 1, itineraryVersion: 1, runId: runIdOf(id), request, pace };
};

/** A batch of six, two at once, each against hosts of its own. */
class OneBatch {
  readonly engine: TestEngine;
  readonly worlds = new Map<string, World>();
  private readonly agents = new Map<string, FakeAgents>();
  concurrentMax = 0;
  private readonly running = new Set<string>();

  constructor(plans: Readonly<Record<string, readonly Plan[]>> = {}) {
    const agentsOf = (run: string): FakeAgents => {
      const world = this.worlds.get(run) ?? new World();
      this.worlds.set(run, world);
      const agents = this.agents.get(run) ?? new FakeAgents(world, plans[run] ?? []);
      this.agents.set(run, agents);
      return agents;
    };
    const start = (kind: OperationKind) => (asked: unknown) => {
      const input = asked as StartOperationInput;
      this.running.add(input.runId);
      this.concurrentMax = Math.max(this.concurrentMax, this.running.size);
      return agentsOf(input.runId).start(kind, input);
    };
    this.engine = createTestEngine({
      seed: 1,
      activities: {
        ...Object.fromEntries(operationKinds.map((kind) => [kind, start(kind)])),
        'look-at-operations': (asked: unknown) => {
          const { runId, operations } = asked as { runId: string; operations: { operationId: string }[] };
          return succeeded(operations.map((one) => agentsOf(runId).look(one.operationId)));
        },
        'cancel-operations': () => succeeded({}),
        'write-receipt': (asked: unknown) => {
          this.running.delete((asked as { input: RunInput }).input.runId);
          return succeeded({ leftovers: 0 });
        },
        'read-batch': () =>
          succeeded({
            schema: 1,
            id: 'b',
            startAt: '2027-01-01T00:00:00Z',
            maxConcurrent: 2,
            createdAt: '2027-01-01T00:00:00.000Z',
            migrationCount: memberCount,
          }),
        'read-batch-member': (asked: unknown) => succeeded(inputOf((asked as { index: number }).index)),
      },
    });
  }

  async run(): Promise<unknown> {
    await this.engine.start('run-batch', { batchId: 'b', lookMs: 5000 }, 'batch-b');
    return (await this.engine.runToEnd('batch-b')).output;
  }
}

test('a batch runs each migration once, at most as many at once as it says, in its order', async () => {
  const batch = new OneBatch();
  const outcomes = await batch.run();
  expect(outcomes).toEqual(
    Array.from({ length: memberCount }, (_, index) => ({ id: `b-${index + 1}`, state: 'completed', failure: null })),
  );
  expect(batch.concurrentMax).toBe(2);
  for (const world of batch.worlds.values()) {
    expect(world.done.filter((kind) => kind === 'start-vm')).toHaveLength(1);
    expect(world.violations).toEqual([]);
  }
});

test("one VM's failure does not fail the others", async () => {
  const batch = new OneBatch({ 'b-2-r1': [{ kind: 'save-vm', fault: 'refused', always: true }] });
  const outcomes = (await batch.run()) as { id: string; state: string }[];
  const states = Object.fromEntries(outcomes.map((one) => [one.id, one.state]));
  expect(states['b-2']).toBe('rolled-back');
  expect(Object.values(states).filter((state) => state === 'completed')).toHaveLength(memberCount - 1);
});
