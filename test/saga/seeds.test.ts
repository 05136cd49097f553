import type { Kind } from '../../contracts/migration';
import type { PullSubject } from '../../contracts/operations';
import { OneRun } from './run-one';

const seeds = [{ diskId: 'scsi-0-0', path: '/vms/old.vhdx' }];

/** What was pulled, and of which seed. */
async function pullsOf(kind: Kind, more: object): Promise<{ subject: PullSubject; seedPath: unknown }[]> {
  const run = new OneRun([], 1, kind, {}, more);
  if (kind === 'lan') run.world.source.state = 'running';
  await run.begin();
  const report = await run.onward();
  expect(report.state).toBe('completed');
  return run.agents.inputs
    .filter((asked) => asked.kind === 'pull')
    .map(({ input }) => input as { subject: PullSubject; seedPath?: string })
    .map(({ subject, seedPath }) => ({ subject, seedPath }));
}

test.each<[Kind, (index: number, last: number) => boolean]>([
  ['lan', () => true],
  ['quick-storage', (index, last) => index < last],
  ['warm', () => true],
])(
  '%s gives the seed of a disk to the copies of its images for which no VM waits, and to nothing else',
  async (kind, has) => {
    const pulls = await pullsOf(kind, { seeds });
    const images = pulls.filter(({ subject }) => subject.type === 'image' && subject.diskId === 'scsi-0-0');
    const last = Math.max(...images.map(({ subject }) => (subject.type === 'image' ? subject.index : 0)));
    expect(images.length).toBeGreaterThan(0);
    for (const { subject, seedPath } of pulls) {
      const isSeeded = subject.type === 'image' && subject.diskId === 'scsi-0-0' && has(subject.index, last);
      expect(seedPath).toBe(isSeeded ? '/vms/old.vhdx' : undefined);
    }
  },
);

test('a run without seeds asks for what it always asked', async () => {
  for (const { seedPath } of await pullsOf('quick-storage', {})) expect(seedPath).toBeUndefined();
});
