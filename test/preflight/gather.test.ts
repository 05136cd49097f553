import { Agents } from '../../activities/agents';
import { gather } from '../../activities/preflight';
import type { StagingContainers } from '../../activities/staging/containers';
import { failed, failureOf, succeeded } from '../../contracts/failure';
import type { InspectionRequest } from '../../contracts/inspection';
import { migrationRequest } from '../../contracts/migration';
import { healthyInspection } from '../samples/inspections';
import { noContainers } from '../simulated/no-staging';

const access = { containerUrl: 'https://a.blob.example/look', sas: 'sig=a', expiresAtMs: 3_600_000 };
const requestOf = (route: 'direct' | 'staged', destinationHost = 'hv-b') =>
  migrationRequest.parse({
    kind: 'quick-storage',
    vmId: '11111111-2222-3333-4444-555555555555',
    sourceHost: 'hv-a',
    destinationHost,
    destinationFolder: '/big',
    route,
  });

/** What hosts were asked, and what access was made for them. */
async function gathered(request: ReturnType<typeof requestOf>, staging: Partial<StagingContainers>) {
  const asked: [string, InspectionRequest['storage']][] = [];
  const agents = new Agents({
    send: async ({ hostId, body }) => {
      asked.push([hostId, (body as InspectionRequest).storage]);
      return succeeded({ status: 200, body: healthyInspection });
    },
  });
  const app = { agents, now: () => new Date(0), staging: { ...noContainers, ...staging } };
  return { asked, situation: await gather(app, request, null) };
}

test('each host is given access to read, and to a container that the app does not make, where the route is staged', async () => {
  const given: unknown[] = [];
  const made: string[] = [];
  const staging: Partial<StagingContainers> = {
    accessTo: async (name, side) => {
      given.push([name, side]);
      return succeeded(access);
    },
    create: async (name) => {
      made.push(name);
      return succeeded('created');
    },
  };
  const { asked, situation } = await gathered(requestOf('staged'), staging);
  expect(asked).toEqual([
    ['hv-a', access],
    ['hv-b', access],
  ]);
  expect(given).toEqual([['hyperferry-staged-look', 'destination']]);
  expect(made).toEqual([]);
  expect(situation.noAccess).toBeNull();
  expect((await gathered(requestOf('staged', 'hv-a'), staging)).asked).toEqual([['hv-a', access]]);
});

test('a run of another route asks for no access, and needs no storage', async () => {
  const { asked, situation } = await gathered(requestOf('direct'), {
    accessTo: () => Promise.reject(new Error('nobody asks for it')),
  });
  expect(asked).toEqual([
    ['hv-a', undefined],
    ['hv-b', undefined],
  ]);
  expect(situation.noAccess).toBeNull();
});

test('where the app can give no access, hosts are asked for the rest, and the reason is kept', async () => {
  const refusal = failureOf('StorageUnavailable', { message: 'no delegation key' });
  const { asked, situation } = await gathered(requestOf('staged'), { accessTo: async () => failed(refusal) });
  expect(asked).toEqual([
    ['hv-a', undefined],
    ['hv-b', undefined],
  ]);
  expect(situation.noAccess).toEqual(refusal);
});
