import type { HostId, RunId } from '../../contracts/ids';
import type { Fact, InspectionRequest } from '../../contracts/inspection';
import {
  destinationFolderOf,
  destinationHostOf,
  compareInputOf,
  isStaged,
  seedsOf,
  type MigrationRequest,
} from '../../contracts/migration';
import type { App } from '../app';
import type { AskedHost, Situation } from './situation';

type Asks = Pick<App, 'agents' | 'now' | 'staging'>;

/** A container that nobody makes: access to it is access to nothing, and may be given before there is a run. */
const containerOfLook = 'hyperferry-staged-look';

/**
 * Asks the hosts of a request for all that checks look at. A host that does not answer is part of the answer. `run`: whose own marks do not
 * count; null before there is one.
 */
export async function gather(app: Asks, request: MigrationRequest, run: RunId | null): Promise<Situation> {
  const destinationHost = destinationHostOf(request);
  const isOneHost = destinationHost === request.sourceHost;
  const folder = destinationFolderOf(request) ?? null;
  const seeds = seedsOf(request);
  const toSee = seeds.length > 0 ? { seeds: [...seeds] } : {};
  const access = isStaged(request) ? await app.staging.accessTo(containerOfLook, 'destination', app.now()) : undefined;
  const noAccess = access?.ok === false ? access.failure : null;
  const storage = access?.ok === true ? { storage: access.value } : {};
  const asked = {
    contract: 1,
    runId: run,
    vmId: request.vmId,
    vmName: null,
    folder: null,
    imports: null,
    ...storage,
  } as const;
  if (request.kind === 'import') {
    const imports = compareInputOf(request);
    const only = await ask(app, request.sourceHost, {
      ...asked,
      vmId: imports.vmId,
      describesVm: false,
      folder,
      imports,
    });
    return { request, source: only, destination: only, noAccess };
  }
  const source = await ask(app, request.sourceHost, {
    ...asked,
    describesVm: true,
    folder: isOneHost ? folder : null,
    ...(isOneHost && toSee),
  });
  if (isOneHost) return { request, source, destination: source, noAccess };
  const vmName = source.answer.ok ? valueOf(source.answer.value.vm?.name) : null;
  const destination = await ask(app, destinationHost, { ...asked, describesVm: false, folder, vmName, ...toSee });
  return { request, source, destination, noAccess };
}

async function ask(app: Asks, hostId: HostId, request: InspectionRequest): Promise<AskedHost> {
  const askedAtMs = app.now().getTime();
  const answer = await app.agents.inspect(hostId, request);
  return { hostId, answer, askedAtMs, answeredAtMs: app.now().getTime() };
}

const valueOf = (fact: Fact<string> | undefined): string | null => (fact?.known === true ? fact.value : null);
