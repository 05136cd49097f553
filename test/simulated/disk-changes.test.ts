import { rename } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { Outcome } from '../../contracts/failure';
import { runId } from '../../contracts/ids';
import { perform, valueOf } from '../conformance/hyperv-move';
import { TestHosts } from './test-hosts';

const hosts = new TestHosts();
const run = runId.parse('changes-r1');
beforeAll(() => hosts.make());
afterEach(() => hosts.close());
afterAll(() => hosts.remove());

/** Long enough for some writes of a guest that is well; one that is not is looked for in what it says. */
const guestWritesMs = 500;
const of = () => ({ vmId: hosts.vmId });

test('a guest whose disks were to be changed, and were not, goes on with those that it had', async () => {
  let failures = 1;
  const said: string[] = [];
  const reached = (point: string): void => {
    if (point !== 'vm-checkpoint-merge-final' || failures === 0) return;
    failures -= 1;
    throw Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO' });
  };
  const source = await hosts.open('source', { reached }, (line) => said.push(line));
  await hosts.whenAwake(source);
  valueOf(await perform(source, run, 'reserve-vm', of()));
  for (const round of [0, 1]) {
    valueOf(await perform(source, run, 'begin-round', { ...of(), round }));
    const end = (): Promise<Outcome<unknown>> => perform(source, run, 'end-round', { ...of(), round });
    if (round === 0) {
      expect(await end()).toMatchObject({ ok: false, failure: { message: expect.stringMatching(/EIO/) } });
      // The guest writes meanwhile, to whatever it has.
      await delay(guestWritesMs);
    }
    valueOf(await end());
  }
  expect(said.filter((line) => line.includes('EBADF'))).toEqual([]);
  for (const kind of ['remove-vm-checkpoint', 'release'] as const) valueOf(await perform(source, run, kind, of()));
  expect(await source.leftovers()).toEqual([]);
});

test('a VM that was saved and whose disks could not be looked at then is told as saved, so that its undo starts it', async () => {
  const paths: string[] = [];
  const reached = async (point: string): Promise<void> => {
    if (point !== 'vm-saved') return;
    paths.push(...(await hosts.diskFiles('source')));
    for (const path of paths) await rename(path, `${path}.away`);
  };
  const source = await hosts.open('source', { reached });
  await hosts.whenAwake(source);
  valueOf(await perform(source, run, 'reserve-vm', of()));
  const first = await perform(source, run, 'save-vm', of());
  const again = await perform(source, run, 'save-vm', of());
  for (const outcome of [first, again]) expect(outcome).toMatchObject({ ok: false, failure: { effect: 'applied' } });
  for (const path of paths) await rename(`${path}.away`, path);
  expect(valueOf(await perform(source, run, 'resume-vm', of())).outageMs).not.toBeNull();
});
