import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../agent/clock';
import { createHost } from '../../agent/hyperv/simulated';
import { hostId } from '../../contracts/ids';
import { layoutOf } from './layout';
import { choosePorts } from './ports';
import { ensureSecrets } from './secrets';
import type { Service, StartFailure } from './service';
import { stagesOf, startStep } from './start-services';
import { Supervisor } from './supervisor';

// Real processes: the services of the stack, whose port somebody holds when they want it.

const host = hostId.parse('host-a');
const steps = stagesOf([host]).flat();
const needs = steps.map(({ port }, at) => ({ name: port, what: port, preferred: 17_400 + at }));

let home: string;
let supervisor: Supervisor;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'hyperferry-taken-'));
  supervisor = new Supervisor({ clock: systemClock, say: () => undefined });
});
afterEach(async () => {
  await supervisor.stop();
  rmSync(home, { recursive: true, force: true });
});

const hold = (port: number): Promise<Server> =>
  new Promise((resolve, reject) => {
    const holder = createServer();
    holder.once('error', reject);
    holder.listen(port, '127.0.0.1', () => resolve(holder));
  });

test.each(steps)('$service that finds its port held for a moment is started again', async (step) => {
  const layout = layoutOf(home);
  for (const folder of [layout.configFolder, layout.logFolder]) mkdirSync(folder, { recursive: true });
  await createHost(layout.hostFolder(host), {
    memoryBytes: 1024 ** 3,
    switches: ['LAN'],
    volumes: [{ name: 'vms', sizeBytes: 1024 ** 3 }],
  });
  const [ports, secrets] = [await choosePorts(home, needs, () => undefined), ensureSecrets(home, randomBytes)];
  if (!ports.ok || !secrets.ok) throw new Error('a new folder has ports and keys');
  const holder = await hold(ports.value[step.port] ?? 0);
  const failures: StartFailure[] = [];
  const start = async (service: Service): Promise<StartFailure | undefined> => {
    if (failures.length > 0) return undefined;
    const failure = await supervisor.start(service);
    // Free again before anybody looks whether it is.
    await new Promise((resolve) => holder.close(resolve));
    if (failure !== undefined) failures.push(failure);
    return failure;
  };
  const plan = { layout, hosts: [host], ports: ports.value, secrets: secrets.value, env: process.env };
  const starting = { supervisor: { start }, needs, say: () => undefined, signal: new AbortController().signal };
  const started = await startStep(step, plan, starting);
  expect(failures).toMatchObject([{ service: step.service }]);
  expect(started).toMatchObject({ ok: true });
});
