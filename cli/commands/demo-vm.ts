import { mkdirSync } from 'node:fs';
import { Option, type Command } from 'commander';
import { z } from 'zod';
import { hostId, type HostId, type VmId } from '../../contracts/ids';
import { createApi } from '../api/client';
import { bad, good, type CommandResult, type Context, type Result } from '../context';
import { badInput } from '../failure';
import { ensureHosts, localHosts } from '../demo/hosts';
import { demoDiskFormats } from '../demo/make-vm';
import { placeVm, vmPlaces } from '../demo/place-vm';
import { homeFolder } from '../home';
import { parseField } from '../parse';
import { processOfService } from '../stack/former';
import { layoutOf } from '../stack/layout';
import { processExists, readRunningStack } from '../stack/running';
import { agentName } from '../stack/services';
import { examples, type Run } from './command';
import { dataOption } from './sizes';

const mib = 1024 ** 2;
const dataBytesDefault = 64 * mib;

const demoVmOptions = z.object({
  on: z.enum(vmPlaces).default('local'),
  host: hostId.default(localHosts[0]),
  data: z.int().default(dataBytesDefault),
  diskFormat: z.enum(demoDiskFormats).default('vhdx'),
});

/** The name of a VM and of files that are named after it. */
const vmName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,49}$/, 'Use 1 to 50 letters, digits, "-" or "_", the first a letter or digit.');

const appearsMsMax = 60_000;

/**
 * An agent reads the VMs of its simulated host when it starts. One that runs is ended in order, and the stack starts it again: what it
 * did for runs goes on.
 */
async function showToAgent(context: Context, home: string, host: HostId, vm: VmId): Promise<Result<void>> {
  const running = readRunningStack(home);
  if (running === undefined || !processExists(running.pid)) return good(undefined);
  context.output.note(`the agent of ${host} is started again, so that it finds the VM`);
  const pid = processOfService(home, agentName(host));
  if (pid !== undefined) process.kill(pid, 'SIGTERM');
  const api = createApi({ baseUrl: running.apiUrl });
  const deadlineMs = context.clock.now() + appearsMsMax;
  while (context.clock.now() < deadlineMs && !context.signal.aborted) {
    const page = await api.vms(host);
    const found = page.ok ? page.value.items.find(({ vmId }) => vmId === vm) : undefined;
    if (found?.heartbeat === 'ok') return good(undefined);
    await context.clock.sleep(100, context.signal);
  }
  return bad({
    exit: 'localStack',
    title: 'the VM was made, and does not run yet',
    remedy: 'Look into the log of the agent, in the folder "logs" of the state folder.',
    next: 'hyperferry vms',
  });
}

async function makeDemoVm(context: Context, nameText: string, options: unknown): Promise<CommandResult> {
  const parsed = parseField(demoVmOptions, options, 'options');
  if (!parsed.ok) return parsed.failure;
  const name = parseField(vmName, nameText, 'NAME');
  if (!name.ok) return name.failure;
  const { host, on, data, diskFormat } = parsed.value;
  if (!localHosts.includes(host))
    return badInput('no such host of the local stack', {
      field: '--host',
      value: host,
      remedy: `Use ${localHosts.join(' or ')}.`,
    });
  const home = homeFolder(context.env);
  const layout = layoutOf(home);
  mkdirSync(home, { recursive: true, mode: 0o700 });
  await ensureHosts(layout);
  const seed = Buffer.from(context.randomBytes(4)).readUInt32LE();
  const wanted = { name: name.value, place: on, host, dataBytes: data, seed, diskFormat };
  const made = await placeVm(layout, wanted, context.output.note);
  if (!made.ok) return made.failure;
  const shown = await showToAgent(context, home, host, made.value);
  if (!shown.ok) return shown.failure;
  context.output.line(made.value);
  return 'done';
}

/** `hyperferry demo-vm NAME` */
export function registerDemoVm(program: Command, run: Run): void {
  const command = program
    .command('demo-vm NAME')
    .description('make a VM on a simulated host of the local stack, whether that runs or not; prints the id of the VM')
    .addOption(new Option('--on <place>', 'where its files are').choices(vmPlaces).default('local'))
    .option('--host <host>', `host (default: ${localHosts[0]})`)
    .option('--data <size>', 'data of the VM (default: 64MiB)', dataOption)
    .addOption(new Option('--disk-format <format>', 'of its disk').choices(demoDiskFormats).default('vhdx'));
  examples(
    command,
    ['demo-vm web --on cluster', 'a role of the cluster, on its shared volume: for --kind live and quick'],
    ['demo-vm db --on lun', 'alone on a LUN of the SAN: for --kind san'],
    ['demo-vm old --disk-format vhd', 'with a VHD, of which no host tracks the changes'],
  );
  command.action((name: string, options: unknown) => run((context) => makeDemoVm(context, name, options)));
}
