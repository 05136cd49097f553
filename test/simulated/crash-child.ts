import { crashPoints, openSimulatedDriver } from '../../agent/hyperv/simulated';
import { operations, operationKinds } from '../../contracts/operations';
import { runId } from '../../contracts/ids';
import { z } from 'zod';
import type { DriverOperationKind } from '../../agent/hyperv/driver';
import { perform, valueOf } from '../conformance/hyperv-move';

/**
 * A host as a process of its own, to be killed: `node crash-child.js '<plan>'` opens the host, says `open`, carries the operations out
 * over and over, as often as `rounds` says, and says `done <kind>` after each. With `crashAt` it kills itself, as a host crash would,
 * when an operation comes to that point for the `nth` time. With `serves` it stays up after its steps: what another host asks of it may
 * come to the point.
 */
export const crashPlan = z.object({
  folder: z.string(),
  run: runId,
  steps: z.array(z.object({ kind: z.enum(operationKinds), input: z.unknown() })),
  rounds: z.int().positive(),
  serves: z.boolean().default(false),
  crashAt: z.object({ point: z.enum(crashPoints), nth: z.int().positive() }).optional(),
});
export type CrashPlan = z.input<typeof crashPlan>;

const isOfDriver = (kind: string): kind is DriverOperationKind => kind !== 'pull';

function say(word: string): void {
  process.stdout.write(`${word}\n`);
}

async function main(text: string | undefined): Promise<void> {
  const plan = crashPlan.parse(JSON.parse(text ?? ''));
  let seen = 0;
  const reached = async (point: string): Promise<void> => {
    if (point !== plan.crashAt?.point || ++seen < plan.crashAt.nth) return;
    process.kill(process.pid, 'SIGKILL');
    await new Promise(() => undefined);
  };
  const driver = valueOf(await openSimulatedDriver({ folder: plan.folder, hooks: { reached } }));
  say('open');
  for (let round = 0; round < plan.rounds; round++) {
    for (const { kind, input } of plan.steps) {
      if (!isOfDriver(kind)) throw new Error(`${kind} is not an operation of a driver`);
      valueOf(await perform(driver, plan.run, kind, operations[kind].input.parse(input)));
      say(`done ${kind}`);
    }
  }
  // Its guests and its look at handovers keep the process alive.
  if (plan.serves) return;
  process.kill(process.pid, 'SIGKILL');
}

if (require.main === module)
  main(process.argv[2]).catch((thrown: unknown) => {
    process.stderr.write(`${thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)}\n`);
    // The guests of the host would keep the process alive.
    process.exit(1);
  });
