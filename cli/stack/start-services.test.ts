import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { layoutOf } from './layout';
import { choosePorts } from './ports';
import { ensureSecrets } from './secrets';
import type { Service, StartFailure } from './service';
import { startStep } from './start-services';

let home: string;
beforeEach(() => (home = mkdtempSync(join(tmpdir(), 'hyperferry-start-'))));
afterEach(() => rmSync(home, { recursive: true, force: true }));

const needs = [{ name: 'relay', what: 'the relay', preferred: 17_080 }];

/** Starts a service that fails as is said, one time after the other, and then runs. */
async function startsAfter(...lastWords: readonly string[]): Promise<{ starts: number; ok: boolean }> {
  const [ports, secrets] = [await choosePorts(home, needs, () => undefined), ensureSecrets(home, randomBytes)];
  if (!ports.ok || !secrets.ok) throw new Error('a new folder has ports and keys');
  let starts = 0;
  const start = async ({ name }: Service): Promise<StartFailure | undefined> => {
    const words = lastWords[starts];
    starts += 1;
    return words === undefined ? undefined : { service: name, why: 'ended', logTail: [words] };
  };
  const make = (): Service => ({
    ...{ name: 'relay', logPath: join(home, 'log'), command: { script: '', args: [], env: {} } },
    ...{ saysReady: () => true, readyMsMax: 1, stopMsMax: 1 },
  });
  const plan = { layout: layoutOf(home), hosts: [], ports: ports.value, secrets: secrets.value, env: {} };
  const starting = { supervisor: { start }, needs, say: () => undefined, signal: new AbortController().signal };
  const { ok } = await startStep({ service: 'relay', port: 'relay', make }, plan, starting);
  return { starts, ok };
}

test('a port that somebody held for a moment, and that is free again, is no reason to give up', async () => {
  const taken = 'Error: listen EADDRINUSE: address already in use 127.0.0.1:17080';
  expect(await startsAfter(taken, taken)).toEqual({ starts: 3, ok: true });
  expect(await startsAfter(taken, taken, taken, taken, taken)).toEqual({ starts: 5, ok: false });
});

test('a service that ends for another reason is not started again', async () => {
  expect(await startsAfter('Error: no such file')).toEqual({ starts: 1, ok: false });
});
