import { Gate } from './gate';

const turn = () => new Promise((resolve) => setImmediate(resolve));

test('what may run beside others does, what must be alone waits for them and they for it', async () => {
  const gate = new Gate();
  const log: string[] = [];
  const ends = new Map<string, () => void>();
  const work = (name: string, isAlone: boolean): Promise<void> =>
    gate.pass(isAlone, async () => {
      log.push(`${name} in`);
      await new Promise<void>((resolve) => ends.set(name, resolve));
      log.push(`${name} out`);
    });
  const all = [work('a', false), work('b', false), work('alone', true), work('c', false)];
  await turn();
  expect(log).toEqual(['a in', 'b in']);
  ends.get('a')?.();
  await turn();
  expect(log).toEqual(['a in', 'b in', 'a out']);
  ends.get('b')?.();
  await turn();
  expect(log.slice(3)).toEqual(['b out', 'alone in']);
  ends.get('alone')?.();
  await turn();
  expect(log.slice(5)).toEqual(['alone out', 'c in']);
  ends.get('c')?.();
  await Promise.all(all);
});

test('work that throws lets the others through', async () => {
  const gate = new Gate();
  await expect(gate.pass(true, () => Promise.reject(new Error('thrown')))).rejects.toThrow('thrown');
  expect(await gate.pass(false, () => Promise.resolve(1))).toBe(1);
});
