import { setImmediate } from 'node:timers/promises';
import { Gate, Turns } from './gate';

it('lets one in alone only when everybody has left, and others only after', async () => {
  const gate = new Gate();
  const seen: string[] = [];
  const leave = Promise.withResolvers<undefined>();
  const first = gate.inside(async () => {
    await leave.promise;
    seen.push('first left');
  });
  const alone = gate.alone(() => void seen.push('alone'));
  const second = gate.inside(async () => void seen.push('second inside'));
  await setImmediate();
  expect(seen).toEqual([]);
  leave.resolve(undefined);
  await Promise.all([first, alone, second]);
  expect(seen).toEqual(['first left', 'alone', 'second inside']);
});

it('opens again after a failure inside or alone', async () => {
  const gate = new Gate();
  await expect(gate.inside(() => Promise.reject(new Error('inside')))).rejects.toThrow('inside');
  await expect(
    gate.alone(() => {
      throw new Error('alone');
    }),
  ).rejects.toThrow('alone');
  await expect(gate.inside(() => Promise.resolve(1))).resolves.toBe(1);
});

it('takes turns in the order of asking, whatever becomes of those before', async () => {
  const turns = new Turns();
  const seen: number[] = [];
  const work = [1, 2, 3].map((number) =>
    turns.run(async () => {
      await setImmediate();
      seen.push(number);
      if (number === 2) throw new Error('two');
    }),
  );
  const results = await Promise.allSettled(work);
  expect(results.map((result) => result.status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(seen).toEqual([1, 2, 3]);
});
