import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { migrationId } from '../../../contracts/ids';
import { seededRandom } from '../../../relay/random';
import { createApi } from '../../api/client';
import { type CommandResult, type Context, type Result } from '../../context';
import { homeFolder } from '../../home';
import { formatBytes, formatRate } from '../../output/format';
import type { Layout } from '../../stack/layout';
import { startStack, type Stack } from '../../stack/stack';
import { ensureHosts, localHosts } from '../hosts';
import { demoVm, ensureDemoVm } from '../vm';
import type { RoundPlace } from './kill';
import { killsOfRound, momentsOfRound, victimSequence, type PhaseTimes } from './plan';
import { tablesOf, verdictOf } from './report';
import { removeRetired, runRound, type Round, type RouteKind } from './round';
import { Witness } from './witness';

export type FaultsOptions = {
  readonly kills: number;
  readonly seed: number;
  readonly kind: RouteKind;
  readonly bandwidthBytesPerSecondMax: number;
  readonly dataBytes: number;
};

/** Begins with nothing: the hosts, agents, blobs and histories of an earlier demonstration are removed. */
async function prepareAnew(layout: Layout, dataBytes: number, say: (line: string) => void): Promise<Result<void>> {
  for (const folder of ['hosts', 'agents', 'blobs', 'app'])
    rmSync(join(layout.home, folder), { recursive: true, force: true });
  mkdirSync(layout.blobFolder, { recursive: true });
  mkdirSync(layout.appFolder, { recursive: true });
  await ensureHosts(layout);
  return ensureDemoVm(layout, dataBytes, say);
}

/** Where the VM goes in that round (counted from 0): there and back, each time into a folder of its own. */
function placeOf(stack: Stack, round: number): RoundPlace {
  const [one, other] = localHosts;
  const [source, destination] = round % 2 === 0 ? [one, other] : [other, one];
  const folder = join(stack.layout.hostFolder(destination), 'volumes', 'vms', `round-${round + 1}`);
  return { source, destination, folder, vmId: demoVm.vmId };
}

/** More rounds than that without reaching the number of kills mean that the kills miss, which is a fault of the demonstration. */
const roundsMax = (kills: number): number => kills + 10;

async function runRounds(
  context: Context,
  stack: Stack,
  options: FaultsOptions,
  say: (line: string) => void,
): Promise<Round[]> {
  const { kills, seed, bandwidthBytesPerSecondMax, dataBytes } = options;
  const chance = seededRandom(seed);
  const sequence = victimSequence(chance);
  const api = createApi({ baseUrl: stack.apiUrl });
  const expectedMs = ((dataBytes + 2 * demoVm.memoryBytes) / bandwidthBytesPerSecondMax) * 1000 + 3000;
  const stamp = Buffer.from(context.randomBytes(3)).toString('hex');
  const rounds: Round[] = [];
  let times: PhaseTimes = [];
  const done = (): number => rounds.reduce((sum, round) => sum + round.kills.length, 0);
  while (done() < kills && rounds.length < roundsMax(kills) && !context.signal.aborted) {
    const number = rounds.length;
    const place = placeOf(stack, number);
    const count = killsOfRound(chance, kills - done());
    say(`run ${number + 1}: ${place.source} -> ${place.destination}, ${count} kill(s) planned`);
    const round = await runRound(
      {
        id: migrationId.parse(`faults-${stamp}-${number + 1}`),
        kind: options.kind,
        place,
        bandwidthBytesPerSecondMax,
        moments: momentsOfRound(chance, count, times, expectedMs),
        times,
        nextVictim: () => sequence.next().value,
      },
      { context, stack, api, say },
    );
    rounds.push(round);
    say(`run ${number + 1}: ${round.state}, ${formatBytes(round.resentBytes)} sent again`);
    if (round.comparison === undefined || 'error' in round.comparison) break;
    times = round.phases;
    // The one that the VM was moved away from two rounds ago; the last retired source stays for the next round to meet.
    if (number >= 2) removeRetired(placeOf(stack, number - 2));
  }
  return rounds;
}

/** `hyperferry demo-faults`: moves the demonstration VM to and fro, kills on the way, and tells what that did. */
export async function demonstrateFaults(context: Context, options: FaultsOptions): Promise<CommandResult> {
  const { output, clock } = context;
  const say = output.line;
  const started = await startStack({
    home: join(homeFolder(context.env), 'faults'),
    hosts: localHosts,
    env: context.env,
    clock,
    randomBytes: context.randomBytes,
    signal: context.signal,
    say,
    prepare: (layout) => prepareAnew(layout, options.dataBytes, say),
  });
  if (!started.ok) return started.failure;
  const stack = started.value;
  say(
    `${options.kind}, ${options.kills} kill(s), seed ${options.seed}; the copy is limited to ` +
      `${formatRate(options.bandwidthBytesPerSecondMax)}, so that there is time to kill (--bandwidth changes that)`,
  );
  const hosts = localHosts.map((hostId) => ({ hostId, folder: stack.layout.hostFolder(hostId) }));
  const witness = new Witness(hosts, demoVm.vmId, clock);
  witness.start();
  let rounds: Round[];
  try {
    rounds = await runRounds(context, stack, options, say);
  } finally {
    await witness.stop();
    await stack.stop();
  }
  const verdict = verdictOf(rounds, witness, options.kills);
  output.lines(['', ...tablesOf(rounds), '', ...verdict.lines]);
  if (context.signal.aborted) return 'interrupted';
  if (verdict.good) rmSync(join(stack.layout.home, 'hosts'), { recursive: true, force: true });
  return verdict.good ? 'done' : 'runNotCompleted';
}
