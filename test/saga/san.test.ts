import { z } from 'zod';
import { OneRun } from './run-one';

const admitted = z.object({ brings: z.unknown() });

test.each([
  [{ destinationSwitch: 'DMZ' }, { type: 'lun', name: expect.any(String) as string, switchName: 'DMZ' }],
  [{}, { type: 'lun', name: expect.any(String) as string }],
])('a SAN migration with %p asks for admission with the switch that the VM will have', async (more, brings) => {
  const run = new OneRun([], 1, 'san', {}, more);
  await run.begin();
  expect((await run.onward()).state).toBe('completed');
  const asked = run.agents.inputs.filter(({ kind }) => kind === 'admit-vm').map(({ input }) => admitted.parse(input));
  expect(asked).toEqual([{ brings }]);
});
