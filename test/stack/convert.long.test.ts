import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { hasQemu } from '../../agent/disks/testing/foreign-tools';
import { vmFacts } from '../../contracts/facts';
import { receipt, type Receipt } from '../../contracts/receipt';
import { CommandLine } from './command-line';

// VMs whose disk is a VHD, and a VHDX after it has moved, between real processes, from the command line.

jest.setTimeout(600_000);

const line = new CommandLine();
const done = (...args: string[]): Promise<string> => line.done(...args);

beforeAll(async () => {
  line.open('convert');
  for (const name of ['still', 'busy']) await done('demo-vm', name, '--data', '16MiB', '--disk-format', 'vhd');
  await line.up();
});

afterAll(() => line.close());

const to = (host: string, folder: string): string[] => ['--to', host, '--folder', line.folderOn(host, folder)];
const convert = ['--convert-to', 'vhdx', '--stop', 'shut-down'];

async function migrate(vm: string, kind: string, ...options: string[]): Promise<Receipt> {
  await done('migrate', vm, '--kind', kind, '--id', `${vm}-${kind}`, '--watch', ...options);
  const file = join(line.home, `${vm}.json`);
  writeFileSync(file, await done('receipt', `${vm}-${kind}`, '--json'));
  await done('receipt', 'verify', file);
  return receipt.parse(JSON.parse(readFileSync(file, 'utf8')));
}

/** The one disk file of a VM that runs with a heartbeat on a host. */
async function diskOf(name: string, host: string): Promise<string> {
  const listed = z.object({ items: z.array(vmFacts.extend({ hostId: z.string() })) });
  const { items } = listed.parse(JSON.parse(await done('vms', '--json')));
  const found = items.filter((vm) => vm.name === name && vm.state === 'running' && vm.hostId === host);
  const paths = found.flatMap(({ disks }) => disks.flatMap(({ images }) => images.map(({ path }) => path)));
  expect(paths).toHaveLength(1);
  return paths[0] ?? '';
}

/**
 * What another program makes of a disk whose guest goes on writing: of a copy, since there is a log to be replayed, which a later copy is taken for
 * where the guest wrote in the middle of one.
 */
async function expectVhdx(path: string): Promise<void> {
  expect(path).toMatch(/\.vhdx$/);
  if (!hasQemu) return;
  const copy = join(line.home, 'looked-at.vhdx');
  const qemu = (...args: string[]) => spawnSync('qemu-img', args, { encoding: 'utf8' });
  for (let tries = 1; ; tries++) {
    await copyFile(path, copy);
    const { status, stderr } = qemu('check', '-r', 'all', '-f', 'vhdx', copy);
    if (status !== 0 && tries < 10) continue;
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const info = qemu('info', '--output', 'json', '-f', 'vhdx', copy);
    expect(JSON.parse(info.stdout)).toMatchObject({ format: 'vhdx', 'virtual-size': 2 * 1024 ** 3 });
    return;
  }
}

test('with the memory of its guest a VM is refused before anything is touched', async () => {
  const asked = await line.run('preflight', 'still', '--kind', 'lan', ...to('host-b', 'lan'), '--convert-to', 'vhdx');
  expect(asked.status).not.toBe(0);
  expect(asked.said).toContain('convert-memory');
});

test('lan: over the direct route, and both ends read the same', async () => {
  const proof = await migrate('still', 'lan', ...to('host-b', 'lan'), ...convert, '--verify', 'all');
  expect(proof).toMatchObject({ state: 'completed', request: { convertTo: 'vhdx' } });
  expect(proof.configurationChanges.join('\n')).toMatch(/still\.vhd and is now .*still\.vhdx\./);
  expect(proof.verified).toHaveLength(1);
  await expectVhdx(await diskOf('still', 'host-b'));
});

test('warm: over the staged route, in rounds of which none copies everything again', async () => {
  const rounds = ['--outage', '1s', '--if-not-shrinking', 'cut-over'];
  const proof = await migrate('busy', 'warm', ...to('host-b', 'warm'), ...convert, '--route', 'staged', ...rounds);
  expect(proof.state).toBe('completed');
  expect(proof.rounds.length).toBeGreaterThan(1);
  expect(proof.rounds.slice(1).some(({ whole }) => whole)).toBe(false);
  await expectVhdx(await diskOf('busy', 'host-b'));
});
