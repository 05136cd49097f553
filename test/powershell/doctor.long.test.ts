import { chmod, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { join } from 'node:path';
import { examine, type DoctorReport } from '../../agent/doctor';
import { systemClock } from '../../agent/clock';
import { parseConfig } from '../../agent/config';
import type { HyperVDriver } from '../../agent/hyperv/driver';
import { createHost, openSimulatedDriver } from '../../agent/hyperv/simulated';
import { runCli, startCli } from '../../cli/testing/run-cli';
import { until } from '../../relay/testing/support';
import { startEmulator, type Emulator } from '../../relay/emulator';
import { generateSigningKey } from '../../relay/signing';
import { tempFolder } from '../agent/temp-folder';
import { valueOf } from '../conformance/hyperv-move';
import { describeWithEngine, engine } from './engine';
import { StandInHyperV } from './stand-in/commands';
import { modulesFolder, workerEnvironment } from './stand-in/host';
import { StandInService } from './stand-in/service';

// Real processes, on a machine that may be busy with others.
jest.setTimeout(600_000);

const gib = 1024 ** 3;
const { publicKeyBase64 } = generateSigningKey();

describeWithEngine('hyperferry agent doctor, with the PowerShell driver', () => {
  let folder = '';
  let relay: Emulator;
  let simulated: HyperVDriver;
  let hyperV: StandInHyperV;
  let service: StandInService;
  const servers: Server[] = [];

  async function setUp(authentication: object = { type: 'kerberos', delegatedTo: ['HOST-2'] }): Promise<void> {
    folder = await tempFolder('doctor');
    const keys = [{ name: 'agent', key: 'agent-key', rights: ['Listen' as const] }];
    relay = await startEmulator({ port: 0, namespace: 'test', hybridConnections: ['host-1'], keys });
    const host = join(folder, 'host');
    const migrationAuthentication = { credentialGuard: false, ...authentication } as never;
    await createHost(host, { more: { migrationAuthentication } });
    simulated = valueOf(await openSimulatedDriver({ folder: host }));
    hyperV = new StandInHyperV(simulated, host);
    // What the machine of the tests has free is no part of the claims.
    hyperV.room = { sizeBytes: 500 * gib, freeBytes: 400 * gib };
    service = new StandInService(hyperV);
    await service.listen();
  }
  afterEach(async () => {
    for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
    await service.close();
    await simulated.close();
    await relay.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function listening(): Promise<number> {
    const server = createServer();
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return (server.address() as AddressInfo).port;
  }

  const root = () => join(folder, 'host', 'volumes', 'vms');
  const config = (more: object = {}) => ({
    hostId: 'host-1',
    stateFolder: 'state',
    driver: { type: 'powershell', roots: [root()] },
    relay: { endpoint: `http://127.0.0.1:${relay.port}`, sas: { keyName: 'agent', key: 'agent-key' } },
    appPublicKeys: [publicKeyBase64],
    // An address of no host (RFC 5737): it has to be known, not to answer.
    byteRoute: { listenAddress: '127.0.0.1', port: 0, advertisedAddress: '192.0.2.1' },
    ...more,
  });
  /** What a child needs to find the stand-in, and the PowerShell of these tests. */
  const childEnv = () =>
    Object.fromEntries(
      Object.entries({ ...workerEnvironment(service), HYPERFERRY_PWSH: engine?.command }).filter(
        (entry): entry is [string, string] => entry[1] !== undefined,
      ),
    );

  async function examined(migrationPort: number, env = workerEnvironment(service)): Promise<DoctorReport> {
    const parts = { clock: systemClock, env, newGuid: () => 'guid', migrationPort };
    return examine(parseConfig(config(), folder), parts);
  }
  const wrongIn = (report: DoctorReport) =>
    report.findings.flatMap((one) => (one.type === 'wrong' ? [[one.id, one.severity, one.message]] : []));

  test('finds nothing where nothing is wrong, and changes nothing', async () => {
    await setUp();
    const report = await examined(await listening());
    expect(wrongIn(report)).toEqual([]);
    expect(report).toMatchObject({ ok: true, criticalCount: 0, warningCount: 0 });
    const skipped = report.findings.filter(({ type }) => type === 'skipped').map(({ id }) => id);
    expect(skipped).toEqual(['relay-certificate']);
    expect(await readdir(folder)).toEqual(['host']);
    expect(await readdir(root())).toEqual([]);
    expect(service.changes).toEqual([]);
  });

  test('names twelve things that are wrong, each with its remedy, and exits with 11', async () => {
    await setUp({ type: 'credssp', delegatedTo: [], credentialGuard: true });
    const port = await listening();
    // Answers as a PowerShell under a group policy does; runs scripts all the same, so that the other checks can look.
    const wrapper = join(folder, 'powershell');
    const policy = `case "$*" in *MachinePolicy*) printf '5.1.14393\\nAllSigned\\nUndefined\\nFullLanguage\\n';; *) exec "${engine?.command}" "$@";; esac`;
    await writeFile(wrapper, `#!/bin/sh\n${policy}\n`);
    await chmod(wrapper, 0o700);
    await writeFile(join(folder, 'byte-route.pem'), 'no certificate');
    hyperV.groups = ['S-1-1-0', 'S-1-5-32-545', 'S-1-16-8192'];
    hyperV.fileSystem = 'FAT32';
    hyperV.firewallProfiles = [{ name: 'Domain', enabled: 'True', inbound: 'True', local: 'False' }];
    const file = join(folder, 'agent.json');
    const given = config({
      stateFolder: '.',
      driver: { type: 'powershell', roots: [root(), join(folder, 'nowhere')], engine: wrapper },
      relay: { endpoint: `http://127.0.0.1:${relay.port}`, sas: { keyName: 'agent', key: 'another-key' } },
      byteRoute: { listenAddress: '127.0.0.1', port, advertisedAddress: '0.0.0.0' },
    });
    await writeFile(file, JSON.stringify(given));
    const asked = ['agent', 'doctor', '--config', file];
    const json = await runCli([...asked, '--json'], { env: childEnv() });
    const report = JSON.parse(json.stdout) as DoctorReport;
    expect({ code: json.code, stderr: json.stderr }).toEqual({ code: 11, stderr: '' });
    expect(wrongIn(report).map(([id, severity]) => [id, severity])).toEqual([
      ['byte-route-certificate', 'critical'],
      ['relay-rights', 'critical'],
      ['byte-route-port', 'critical'],
      ['advertised-address', 'critical'],
      ['execution-policy', 'critical'],
      ['hyper-v-rights', 'critical'],
      ['firewall', 'warning'],
      ['roots', 'critical'],
      ['room', 'critical'],
      ['room', 'critical'],
      ['delegation', 'warning'],
      ['live-migration-port', 'warning'],
    ]);
    for (const one of report.findings) if (one.type === 'wrong') expect(one.remedy).toMatch(/^[A-Z].{20,}\.$/s);

    const table = await runCli(asked, { env: childEnv() });
    expect(table.code).toBe(11);
    expect(table.stdout).toMatch(/^CHECK +RESULT +WHAT\n/);
    expect(table.stdout).toMatch(/\nhyper-v-rights +CRITICAL /);
    expect(table.stdout).toMatch(/\nCRITICAL roots: driver\.roots names .*nowhere.*\n {2}remedy: Make the folder/);
    expect(table.stdout).toMatch(/\n9 critical, 3 warnings\n$/);
    expect(table.stdout).not.toContain('another-key');
    expect((await readdir(folder)).sort()).toEqual(['agent.json', 'byte-route.pem', 'host', 'powershell']);
  });

  test('without the Hyper-V module it says so, and what depends on it is skipped', async () => {
    await setUp();
    const env = { ...workerEnvironment(service), PSModulePath: join(modulesFolder, 'none') };
    const report = await examined(1, env);
    expect(wrongIn(report)).toEqual([['hyper-v-module', 'critical', expect.stringContaining("'Hyper-V'") as string]]);
    const skipped = report.findings.filter(({ type }) => type === 'skipped').map(({ id }) => id);
    expect(skipped).toEqual([
      'relay-certificate',
      'hyper-v-rights',
      'hyper-v-answers',
      'firewall',
      'room',
      'live-migration',
      'delegation',
      'live-migration-port',
    ]);
  });

  test('hyperferry agent run runs the agent until it is told to end, and the doctor beside it sees that it runs', async () => {
    await setUp();
    const file = join(folder, 'agent.json');
    await writeFile(file, JSON.stringify(config()));
    const agent = startCli(['agent', 'run', '--config', file], { env: childEnv() });
    try {
      await until('the agent answers', () => agent.stdout().includes('"ready":true'), 60_000);
      const beside = await runCli(['agent', 'doctor', '--config', file, '--json'], { env: childEnv() });
      const report = JSON.parse(beside.stdout) as DoctorReport;
      expect(beside.code).toBe(0);
      expect(wrongIn(report).map(([id]) => id)).toEqual(['state-folder-own', 'live-migration-port']);
      agent.child.kill('SIGTERM');
      const { code, stderr } = await agent.ended;
      expect(code).toBe(0);
      expect(stderr).toContain('"event":"agent ended"');
      expect(stderr).not.toContain('"level":"error"');
    } finally {
      agent.child.kill('SIGKILL');
    }
  });
});
