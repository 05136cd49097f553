import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { migrationId, type HostId } from '../../../contracts/ids';
import { migrationRequest, type Kind } from '../../../contracts/migration';
import { seededRandom } from '../../../relay/random';
import { createApi, type HyperferryApi } from '../../api/client';
import { bad, good, type CommandResult, type Context, type Result } from '../../context';
import { failureOfApi } from '../../failure';
import { homeFolder } from '../../home';
import { formatBytes, formatRate } from '../../output/format';
import type { Layout } from '../../stack/layout';
import { startStack, type Stack } from '../../stack/stack';
import { ensureHosts, localHosts } from '../hosts';
import type { DiskFormat } from '../make-vm';
import { patiently } from '../patiently';
import { placeVm } from '../place-vm';
import { readRegistration } from '../registration';
import { demoVm } from '../vm';
import { readFixedContent } from './content';
import { exportsFolder, placeOf, scenes, usesRoute, type RoundPlace } from './kinds';
import { Observer } from './observer';
import { removeFormer, type Before } from './outcome';
import { killsOfRound, momentsOfRound, victimSequence, type PhaseTimes } from './plan';
import { tablesOf, verdictOf } from './report';
import { runRound, type Round } from './round';
import { Witness } from './witness';

export type FaultsOptions = {
  readonly kills: number;
  readonly seed: number;
  readonly kind: Kind;
  readonly bandwidthBytesPerSecondMax: number;
  readonly dataBytes: number;
  readonly diskFormat: DiskFormat;
};

const { vmId, name: vmName } = demoVm;

/** Begins with nothing: the hosts, agents, blobs and histories of an earlier demonstration are removed. */
async function prepareAnew(
  layout: Layout,
  { kind, dataBytes, diskFormat }: FaultsOptions,
  say: (line: string) => void,
): Promise<Result<unknown>> {
  for (const folder of ['hosts', 'fabric', 'agents', 'blobs', 'app'])
    rmSync(join(layout.home, folder), { recursive: true, force: true });
  mkdirSync(layout.blobFolder, { recursive: true });
  mkdirSync(layout.appFolder, { recursive: true });
  await ensureHosts(layout);
  const place = scenes[kind].vmPlace;
  return placeVm(layout, { name: vmName, vmId, place, host: localHosts[0], dataBytes, diskFormat, seed: 1 }, say);
}

/** What the disk was made with. Read before the first guest runs. */
async function contentOf(layout: Layout): Promise<Before> {
  const vm = readRegistration(layout.hostFolder(localHosts[0]), vmId);
  const path = vm?.disks[0]?.path;
  if (vm === undefined || path === undefined) throw new Error('the VM was made with a disk');
  return { vmName, content: await readFixedContent(path, layout.home, vm.guest) };
}

/** Where the VM is registered and not held: what the next round begins with. */
const hostOfVm = (layout: Layout): HostId =>
  localHosts.find((host) => {
    const vm = readRegistration(layout.hostFolder(host), vmId);
    return vm !== undefined && vm.fencedBy === null;
  }) ?? localHosts[0];

/** More rounds than that without reaching the number of kills mean that the kills miss, which is a fault of the demonstration. */
const roundsMax = (kills: number): number => kills + 10;

/** How long a first run may be taken to last, for the moments of its kills. */
const expectedMsOf = ({ kind, dataBytes, bandwidthBytesPerSecondMax }: FaultsOptions): number =>
  usesRoute(kind) ? ((dataBytes + 2 * demoVm.memoryBytes) / bandwidthBytesPerSecondMax) * 1000 + 3000 : 3000;

type Site = {
  readonly context: Context;
  readonly stack: Stack;
  readonly api: HyperferryApi;
  readonly say: (line: string) => void;
};

async function runRounds(site: Site, options: FaultsOptions, before: Before): Promise<Round[]> {
  const { context, stack, say } = site;
  const { kills, seed, kind, bandwidthBytesPerSecondMax } = options;
  const chance = seededRandom(seed);
  const sequence = victimSequence(chance);
  const stamp = Buffer.from(context.randomBytes(3)).toString('hex');
  const rounds: Round[] = [];
  const places: RoundPlace[] = [];
  let times: PhaseTimes = [];
  const done = (): number => rounds.reduce((sum, round) => sum + round.kills.length, 0);
  while (done() < kills && rounds.length < roundsMax(kills) && !context.signal.aborted) {
    const number = rounds.length;
    const place = placeOf(kind, stack.layout, hostOfVm(stack.layout), vmId, number);
    const count = killsOfRound(chance, kills - done());
    say(`run ${number + 1}: ${place.source} -> ${place.destination}, ${count} kill(s) planned`);
    const round = await runRound(
      {
        id: migrationId.parse(`faults-${stamp}-${number + 1}`),
        kind,
        place,
        before,
        bandwidthBytesPerSecondMax,
        moments: momentsOfRound(chance, count, times, expectedMsOf(options)),
        times,
        nextVictim: () => sequence.next().value,
      },
      site,
    );
    rounds.push(round);
    places.push(place);
    say(`run ${number + 1}: ${round.state}${usesRoute(kind) ? `, ${formatBytes(round.resentBytes)} sent again` : ''}`);
    if (round.comparison === undefined || 'error' in round.comparison) break;
    if (round.state === 'completed') times = round.phases;
    // The one that the VM was moved away from two rounds ago; the last retired source stays for the next round to meet.
    const former = places[number - 2];
    if (former !== undefined) removeFormer(kind, former);
  }
  return rounds;
}

/** An import needs an export: that is made in peace. */
async function exportFirst({ context, stack, api, say }: Site): Promise<Result<void>> {
  const id = migrationId.parse(`export-${Buffer.from(context.randomBytes(3)).toString('hex')}`);
  const [sourceHost] = localHosts;
  const destinationFolder = exportsFolder(stack.layout, sourceHost);
  const request = migrationRequest.parse({ id, kind: 'export', vmId, sourceHost, destinationFolder });
  const started = await patiently(context, () => api.startMigration(request));
  if (!started.ok) return bad(failureOfApi(started.error));
  say(`exporting the VM first, to ${destinationFolder}`);
  const observer = new Observer(api, id, context.clock, say);
  observer.start();
  const deadlineMs = context.clock.now() + 5 * 60_000;
  while (!observer.ended && context.clock.now() < deadlineMs && !context.signal.aborted) await context.clock.sleep(100);
  await observer.stop();
  if (observer.status?.state === 'completed') return good(undefined);
  return bad({ exit: 'localStack', title: `the export ended ${observer.status?.state ?? 'nowhere'}` });
}

async function underWitness(site: Site, options: FaultsOptions, before: Before): Promise<[Round[], Witness]> {
  const { context, stack } = site;
  const hosts = localHosts.map((hostId) => ({ hostId, folder: stack.layout.hostFolder(hostId) }));
  const witness = new Witness({ hosts, fabricFolder: stack.layout.fabricFolder }, vmId, context.clock);
  witness.start();
  try {
    return [await runRounds(site, options, before), witness];
  } finally {
    await witness.stop();
  }
}

/** `hyperferry demo-faults`: moves the demonstration VM to and fro, kills on the way, and tells what that did. */
export async function demonstrateFaults(context: Context, options: FaultsOptions): Promise<CommandResult> {
  const { output, clock } = context;
  const { kind, kills, seed } = options;
  const say = output.line;
  let before: Before | undefined;
  const started = await startStack({
    home: join(homeFolder(context.env), 'faults'),
    hosts: localHosts,
    env: context.env,
    clock,
    randomBytes: context.randomBytes,
    signal: context.signal,
    say,
    prepare: async (layout) => {
      const prepared = await prepareAnew(layout, options, say);
      if (prepared.ok) before = await contentOf(layout);
      return prepared;
    },
  });
  if (!started.ok) return started.failure;
  const stack = started.value;
  if (before === undefined) throw new Error('a stack that started was prepared');
  const rate = formatRate(options.bandwidthBytesPerSecondMax);
  const pace = usesRoute(kind)
    ? `; the copy is limited to ${rate}, so that there is time to kill (--bandwidth changes that)`
    : '';
  say(`${kind}, ${kills} kill(s), seed ${seed}${pace}`);
  const site = { context, stack, api: createApi({ baseUrl: stack.apiUrl }), say };
  try {
    const ready = kind === 'import' ? await exportFirst(site) : good(undefined);
    if (!ready.ok) return ready.failure;
    const [rounds, witness] = await underWitness(site, options, before);
    const verdict = verdictOf(kind, rounds, witness, kills);
    output.lines(['', ...tablesOf(kind, rounds), '', ...verdict.lines]);
    if (context.signal.aborted) return 'interrupted';
    if (!verdict.good) return 'runNotCompleted';
  } finally {
    await stack.stop();
  }
  rmSync(join(stack.layout.home, 'hosts'), { recursive: true, force: true });
  return 'done';
}
