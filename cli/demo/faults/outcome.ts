import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describeThrown } from '../../../contracts/failure';
import { runIdOf, type HostId, type MigrationId } from '../../../contracts/ids';
import type { Kind, MigrationStatus } from '../../../contracts/migration';
import type { Receipt } from '../../../contracts/receipt';
import type { HyperferryApi } from '../../api/client';
import type { Context } from '../../context';
import { agentName } from '../../stack/services';
import type { Stack } from '../../stack/stack';
import { readRegistration } from '../registration';
import { compareDisks, type Comparison } from './compare';
import { compareContent, exportedDisk, type ContentComparison, type FixedContent } from './content';
import { scenes, usesRoute, type RoundPlace } from './kinds';

/** What is known of the VM before the first kill. */
export type Before = { readonly vmName: string; readonly content: FixedContent };

export type Ended = {
  readonly kind: Kind;
  readonly id: MigrationId;
  readonly place: RoundPlace;
  readonly state: MigrationStatus['state'] | 'not started';
  /** Where the files of the VM were when the round began. */
  readonly formerHome: string;
};

export type Compared = Comparison | ContentComparison | { readonly error: string };

/** The host and the VM that must run now: where the run took it, or where it was when the run was taken back. */
const whereNow = ({ place, state }: Ended): { host: HostId; vmId: RoundPlace['vmId'] } =>
  state === 'completed' ? { host: place.destination, vmId: place.arrives } : { host: place.source, vmId: place.vmId };

/** The guest itself finds its disk as it remembers it, or says that it does not. */
export async function heartbeatOf(ended: Ended, context: Context, api: HyperferryApi): Promise<'ok' | 'not seen'> {
  const { host, vmId } = whereNow(ended);
  const deadlineMs = context.clock.now() + 30_000;
  while (context.clock.now() < deadlineMs) {
    const page = await api.vms(host);
    const vm = page.ok ? page.value.items.find((one) => one.vmId === vmId) : undefined;
    if (vm?.state === 'running' && vm.heartbeat === 'ok') return 'ok';
    await context.clock.sleep(200, context.signal);
  }
  return 'not seen';
}

async function compareNow(ended: Ended, before: Before, stack: Stack): Promise<Compared> {
  const { layout } = stack;
  const { kind, place, state, id } = ended;
  if (usesRoute(kind))
    return compareDisks({
      runId: runIdOf(id),
      vmId: place.vmId,
      sourceFolder: layout.hostFolder(place.source),
      destinationFolder: layout.hostFolder(place.destination),
      scratchFolder: layout.home,
    });
  const { host, vmId } = whereNow(ended);
  const vm = readRegistration(layout.hostFolder(host), vmId);
  if (vm === undefined) return { error: `${host} does not have VM ${vmId}` };
  const ofExport = kind === 'export' && state === 'completed';
  const path = ofExport ? exportedDisk(place.folder ?? '', before.vmName) : vm.disks[0]?.path;
  if (path === undefined) return { error: ofExport ? 'the export is not there whole' : 'the VM has no disk' };
  return compareContent(path, layout.home, vm.guest, before.content);
}

/** Compares while the agent of the host is stopped, as its guests write all the time. */
export async function compare(ended: Ended, before: Before, stack: Stack): Promise<Compared> {
  const agent = agentName(whereNow(ended).host);
  await stack.supervisor.stopOne(agent);
  const compared = await compareNow(ended, before, stack).catch((thrown: unknown) => ({
    error: describeThrown(thrown),
  }));
  const again = await stack.startAgain(agent);
  return again.ok ? compared : { error: again.failure.title };
}

/** What a run left that it should not have: what carries its mark, and files of the VM where it is not. */
export function leftBehind({ kind, place, state, formerHome }: Ended, receipt: Receipt | undefined): string[] {
  const marked = (receipt?.leftovers ?? []).filter(({ what }) => !(usesRoute(kind) && what === 'retired-vm'));
  const left = marked.map(({ hostId, what, detail }) => `${hostId}: ${what}, ${detail}`);
  const takesAll = !usesRoute(kind) && scenes[kind].goes !== 'nowhere' && place.folder !== undefined;
  if (state === 'completed' && takesAll && existsSync(formerHome)) left.push(`files in ${formerHome}`);
  const made = place.folder === undefined ? undefined : join(place.folder, place.arrives);
  if (state !== 'completed' && made !== undefined && existsSync(made)) left.push(`files in ${made}`);
  return left;
}

/** Removes the files of a retired source that is no longer registered, or an export, as an administrator would. */
export function removeFormer(kind: Kind, place: RoundPlace): void {
  if (place.folder === undefined) return;
  if (usesRoute(kind)) rmSync(join(place.folder, place.vmId), { recursive: true, force: true });
  if (kind === 'export') rmSync(place.folder, { recursive: true, force: true });
}
