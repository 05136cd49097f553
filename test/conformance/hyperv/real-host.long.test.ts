import { execFile } from 'node:child_process';
import { copyFile, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { engine } from '../../powershell/engine';
import { StandInHyperV } from '../../powershell/stand-in/commands';
import { workerEnvironment } from '../../powershell/stand-in/host';
import { StandInService } from '../../powershell/stand-in/service';
import { projectRoot } from '../../project-root';
import { smallVm, TestHosts } from '../../simulated/test-hosts';

// A whole conformance run, each call one of a PowerShell, on a machine that may be busy with others.
jest.setTimeout(1_800_000);

type Ended = { readonly code: number; readonly stdout: string; readonly stderr: string };
const result = z.object({
  columns: z.array(
    z.object({
      host: z.string(),
      cases: z.record(z.string(), z.object({ kind: z.string(), reason: z.string().optional() })),
    }),
  ),
  left: z.array(z.string()),
});

(engine === undefined ? describe.skip : describe)('conformance:hyperv on "this" host, which is the stand-in', () => {
  const hosts = new TestHosts();
  let service: StandInService;
  let folder: string;
  let disk: string;

  beforeAll(async () => {
    await hosts.make({ ...smallVm, state: 'off' });
    const simulated = await hosts.open('source');
    service = new StandInService(new StandInHyperV(simulated, await hosts.hostFolder('source')));
    await service.listen();
    folder = hosts.pathOn('source', 'tries');
    await mkdir(folder);
    disk = join(folder, 'guest.vhdx');
    await copyFile((await simulated.vms())[0]?.disks[0]?.path ?? '', disk);
  });
  afterAll(async () => {
    await service.close();
    await hosts.close();
    await hosts.remove();
  });

  const main = join(projectRoot, 'dist', 'test', 'conformance', 'hyperv', 'main.js');
  const run = (...words: string[]): Promise<Ended> =>
    new Promise((resolve) => {
      const options = { env: workerEnvironment(service), maxBuffer: 2 ** 26 };
      execFile(process.execPath, [main, ...words], options, (error, stdout, stderr) => {
        resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr });
      });
    });
  const onThis = (...words: string[]): Promise<Ended> => run('--host', 'this', '--folder', folder, ...words);

  test.each([
    ['a folder that is not there', ['--folder', '/nowhere/at/all'], /--folder: .* is no folder of this machine/],
    ['a relative folder', ['--folder', 'tries'], /--folder: is an absolute path/],
    ['a switch that is not there', ['--switch', 'Nowhere'], /--switch: there is no switch "Nowhere"; there are: LAN/],
    ['a disk that is not there', ['--disk', '/nowhere.vhdx'], /--disk: \/nowhere.vhdx is not there/],
    ['nobody who could be asked', [], /give --yes when you agree/],
  ])('%s is refused before anything is made, with the remedy', async (_what, words, message) => {
    const { code, stderr } = await onThis(...words);
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringMatching(message) });
    expect(service.changes).toEqual([]);
    expect(await readdir(folder)).toEqual(['guest.vhdx']);
  });

  // Of all cases one that changes a VM, one that changes nothing, and one that needs another host.
  const few = 'undone after save-vm, twice over, the source|was canceled before it began|destination where such a VM';

  test('it says what it makes, holds the driver to the cases of one host, and leaves nothing', async () => {
    const { code, stdout, stderr } = await onThis(
      '--switch',
      'LAN',
      '--disk',
      disk,
      '--memory-mib',
      '32',
      '--yes',
      '--json',
      '--only',
      few,
    );
    const { columns, left } = result.parse(JSON.parse(stdout));
    expect(left).toEqual([]);
    const all = Object.entries(columns[0]?.cases ?? {});
    expect(all.filter(([, { kind }]) => kind === 'failed')).toEqual([]);
    expect(new Set(all.filter(([, { kind }]) => kind === 'not run').map(([, { reason }]) => reason))).toEqual(
      new Set(['it needs a second host']),
    );
    expect(all.filter(([, { kind }]) => kind === 'passed').length).toBe(2);
    expect(code).toBe(0);
    expect(stderr).toMatch(/connected to the switch "LAN", with a copy of .*guest\.vhdx/);
    expect(await readdir(folder)).toEqual(['guest.vhdx']);
    expect((await service.hyperV.vms()).map(({ name }) => name)).toEqual([smallVm.name]);
  });

  test('what a session left that was killed stops the next, and --clean removes it and nothing else', async () => {
    const left = join(folder, 'hyperferry-conformance-0badcafe');
    await mkdir(left);
    await copyFile(disk, join(left, 'left.vhdx'));
    const { registrations } = service.hyperV;
    const vm = { name: 'left', folder: left, diskPath: join(left, 'left.vhdx'), generation: 2, memoryBytes: 2 ** 25 };
    await service.hyperV.start(await registrations.create({ ...vm, switchName: null }));
    expect(await onThis('--yes')).toMatchObject({ code: 2, stderr: expect.stringContaining('--clean') });
    const cleaned = await run('--clean', '--folder', folder, '--yes');
    expect(cleaned).toMatchObject({ code: 0, stdout: `removed ${left}\n` });
    expect(cleaned.stderr).toMatch(/the VM left/);
    expect(await readdir(folder)).toEqual(['guest.vhdx']);
    expect((await service.hyperV.vms()).map(({ name }) => name)).toEqual([smallVm.name]);
  });
});
