import { runCounted, secondsOfTimes } from './processor-time';

test('what a shell says of processor time is read as seconds, whatever the locale makes of it', () => {
  expect(secondsOfTimes('0m0.54s 0m1.90s')).toBeCloseTo(2.44);
  expect(secondsOfTimes('2m0,500s 0m0,000s')).toBeCloseTo(120.5);
});

test('a program that fails is no measurement, and what it printed is told', async () => {
  await expect(runCounted('sh', '-c', 'echo broken >&2; exit 3')).rejects.toThrow(/ended with 3: broken/);
});

test('the time of a program and of its children is counted, and not that of the shell around it', async () => {
  const idle = await runCounted('sleep', '0');
  const busy = await runCounted('sh', '-c', 'i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; :');
  expect(busy.processorSeconds).toBeGreaterThan(idle.processorSeconds);
});
