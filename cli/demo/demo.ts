import type { HostId, MigrationId } from '../../contracts/ids';
import {
  destinationFolderOf,
  destinationHostOf,
  migrationRequest,
  type MigrationRequest,
  type MigrationStatus,
} from '../../contracts/migration';
import { createApi, type HyperferryApi } from '../api/client';
import { findVm } from '../commands/find-vm';
import { newMigrationId } from '../commands/new-id';
import { bad, good, type Context, type Result } from '../context';
import { failureOfApi } from '../failure';
import { formatRate } from '../output/format';
import { receiptLines } from '../output/receipt';
import type { Stack } from '../stack/stack';
import type { WatchSink } from '../watch/sink';
import { watchRun, type WatchEnd } from '../watch/watch';
import { localHosts } from './hosts';
import { patiently } from './patiently';
import { readDemoMigration, writeDemoMigration } from './state';
import { demoVm } from './vm';

export type DemoOptions = {
  /** Null is no limit. */
  readonly bandwidthBytesPerSecondMax: number | null;
  readonly say: (line: string) => void;
  readonly sink: WatchSink;
};

const otherHost = (host: HostId): HostId => (host === localHosts[0] ? localHosts[1] : localHosts[0]);

async function requestFor(
  context: Context,
  api: HyperferryApi,
  bandwidthBytesPerSecondMax: number | null,
): Promise<Result<MigrationRequest & { id: MigrationId }>> {
  const vm = await findVm(api, demoVm.vmId, undefined);
  if (!vm.ok) return vm;
  const hosts = await patiently(context, () => api.hosts());
  if (!hosts.ok) return bad(failureOfApi(hosts.error));
  const destinationHost = otherHost(vm.value.hostId);
  const facts = hosts.value.items.find(({ hostId }) => hostId === destinationHost)?.facts;
  const root = facts?.volumes[0]?.root;
  if (root === undefined)
    return bad({ exit: 'localStack', title: `${destinationHost} does not say where it keeps VMs` });
  const id = newMigrationId(demoVm.name, context.clock, context.randomBytes);
  const request = migrationRequest.parse({
    id,
    kind: 'quick-storage',
    vmId: demoVm.vmId,
    sourceHost: vm.value.hostId,
    destinationHost,
    destinationFolder: root,
    policy: { bandwidthBytesPerSecondMax },
  });
  return good({ ...request, id });
}

/** Asks for the migration of the demonstration VM; when an earlier start did that, answers how that one stands. */
async function startedMigration(
  context: Context,
  api: HyperferryApi,
  stack: Stack,
  { say, bandwidthBytesPerSecondMax }: DemoOptions,
): Promise<Result<MigrationStatus>> {
  const earlier = readDemoMigration(stack.layout);
  if (earlier !== undefined) {
    const found = await patiently(context, () => api.migration(earlier));
    if (found.ok) {
      say(`going on with migration ${earlier}, which an earlier start asked for`);
      return good(found.value);
    }
    const neverArrived = found.error.kind === 'problem' && found.error.status === 404;
    if (!neverArrived) return bad(failureOfApi(found.error));
  }
  const request = await requestFor(context, api, bandwidthBytesPerSecondMax);
  if (!request.ok) return request;
  const { id, sourceHost } = request.value;
  const [destinationHost, destinationFolder] = [destinationHostOf(request.value), destinationFolderOf(request.value)];
  writeDemoMigration(stack.layout, id);
  const started = await patiently(context, () => api.startMigration(request.value));
  if (!started.ok) return bad(failureOfApi(started.error));
  say(
    `POST ${api.baseUrl}/migrations: ${id} moves "${demoVm.name}" from ${sourceHost} to ${destinationHost}, ${destinationFolder ?? ''}`,
  );
  if (bandwidthBytesPerSecondMax !== null)
    say(
      `the copy is limited to ${formatRate(bandwidthBytesPerSecondMax)}, so that you can follow it; --bandwidth unlimited lifts that`,
    );
  const status = await patiently(context, () => api.migration(id));
  return status.ok ? good(status.value) : bad(failureOfApi(status.error));
}

/** Moves the demonstration VM, or goes on with its move, watches it, and prints the receipt. */
export async function demonstrate(context: Context, stack: Stack, options: DemoOptions): Promise<Result<WatchEnd>> {
  const api = createApi({ baseUrl: stack.apiUrl });
  const started = await startedMigration(context, api, stack, options);
  if (!started.ok) return started;
  const { id } = started.value;
  const end = await watchRun({
    api,
    id,
    clock: context.clock,
    signal: context.signal,
    sink: options.sink,
    intervalMs: 250,
    patienceMs: 15 * 60_000,
    whenParked: 'end',
  });
  if (!end.ok || end.value.why !== 'ended') return end;
  const receipt = await patiently(context, () => api.receipt(id));
  if (receipt.ok) ['', ...receiptLines(receipt.value.receipt), ''].forEach(options.say);
  else if (end.value.status.state === 'completed') return bad(failureOfApi(receipt.error));
  return end;
}
