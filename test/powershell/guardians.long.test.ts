import { existsSync } from 'node:fs';
import { readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { checks } from '../../activities/preflight/checks';
import type { GuardianFacts } from '../../agent/hyperv/powershell/calls/guardians';
import type { Imported } from '../../agent/guardians/courier';
import type { GuardianOffer } from '../../agent/guardians/offer';
import { createHost, openSimulatedDriver } from '../../agent/hyperv/simulated';
import type { TranscriptEntry } from '../../agent/hyperv/powershell/worker/transcript';
import type { HyperVDriver } from '../../agent/hyperv/driver';
import { startCli } from '../../cli/testing/run-cli';
import { generateSigningKey } from '../../relay/signing';
import { tempFolder } from '../agent/temp-folder';
import { valueOf } from '../conformance/hyperv-move';
import { situationOf } from '../preflight/situations';
import { describeWithEngine, engine } from './engine';
import { makeGuardian, type MadeGuardian } from './make-guardian';
import { StandInHyperV } from './stand-in/commands';
import { clientOf, workerEnvironment } from './stand-in/host';
import { StandInService } from './stand-in/service';

// Real processes, on a machine that may be busy with others.
jest.setTimeout(600_000);

const { publicKeyBase64 } = generateSigningKey();

class Host {
  hyperV!: StandInHyperV;
  service!: StandInService;
  private simulated!: HyperVDriver;

  constructor(
    readonly name: string,
    readonly folder: string,
  ) {}

  get configPath(): string {
    return join(this.folder, 'agent.json');
  }
  get stateFolder(): string {
    return join(this.folder, 'state', 'guardians');
  }

  async open(): Promise<void> {
    const host = join(this.folder, 'host');
    await createHost(host, {});
    this.simulated = valueOf(await openSimulatedDriver({ folder: host }));
    this.hyperV = new StandInHyperV(this.simulated, host);
    this.service = new StandInService(this.hyperV);
    await this.service.listen();
    const config = {
      hostId: this.name,
      stateFolder: 'state',
      driver: { type: 'powershell', roots: [join(host, 'volumes', 'vms')] },
      relay: { endpoint: 'http://127.0.0.1:1', sas: { keyName: 'agent', key: 'agent-key' } },
      appPublicKeys: [publicKeyBase64],
      byteRoute: { listenAddress: '127.0.0.1', port: 0, advertisedAddress: '192.0.2.1' },
    };
    await writeFile(this.configPath, JSON.stringify(config));
  }

  /** Starts `hyperferry agent guardian ...` on this host. */
  start(args: readonly string[], input?: string) {
    const given = Object.entries({ ...workerEnvironment(this.service), HYPERFERRY_PWSH: engine?.command });
    const env = Object.fromEntries(given.filter((entry): entry is [string, string] => entry[1] !== undefined));
    const [command = '', ...rest] = args;
    const all = ['agent', 'guardian', command, '--config', this.configPath, ...rest];
    return startCli(all, { env, ...(input !== undefined && { input }) });
  }
  run(args: readonly string[], input?: string) {
    return this.start(args, input).ended;
  }

  /** Files of the agent's folder for guardians, but for its lock. */
  async files(): Promise<string[]> {
    const all = existsSync(this.stateFolder) ? await readdir(this.stateFolder, { recursive: true }) : [];
    const isFile = await Promise.all(all.map(async (one) => (await stat(join(this.stateFolder, one))).isFile()));
    return all.filter((one, at) => isFile[at] === true && !one.startsWith('lock.db'));
  }

  async close(): Promise<void> {
    await this.service.close();
    await this.simulated.close();
  }
}

describeWithEngine('a guardian on its way from host to host', () => {
  let folder = '';
  let a: Host;
  let b: Host;
  let ofA: MadeGuardian;
  let ofB: MadeGuardian;
  beforeAll(() => {
    ofA = makeGuardian('UntrustedGuardian');
    ofB = makeGuardian('UntrustedGuardian');
  });
  beforeEach(async () => {
    folder = await tempFolder('guardians');
    [a, b] = ['a', 'b'].map((name) => new Host(`host-${name}`, join(folder, name))) as [Host, Host];
    for (const host of [a, b]) await host.open();
    a.hyperV.guardians = [ofA];
  });
  afterEach(async () => {
    for (const host of [a, b]) await host.close();
    await rm(folder, { recursive: true, force: true });
  });

  const offerPath = () => join(folder, 'offer.json');
  const sealedPath = () => join(folder, 'sealed.json');
  async function sealed(): Promise<void> {
    expect(await b.run(['offer', '--out', offerPath()])).toMatchObject({ code: 0, stdout: '' });
    const said = await a.run(['export', '--name', 'UntrustedGuardian', '--for', offerPath(), '--out', sealedPath()]);
    expect(said).toMatchObject({ code: 0, stdout: '' });
  }
  const listed = async (host: Host): Promise<GuardianFacts[]> =>
    JSON.parse((await host.run(['list', '--json'])).stdout) as GuardianFacts[];

  /** What preflight says of a VM that the guardian of host a protects, by what the host itself tells of its guardians. */
  async function preflight(host: Host): Promise<string> {
    const client = clientOf(host.service);
    const told = await client.call('inspect-host', { Folder: '' });
    await client.close();
    const { guardians } = valueOf(told);
    if (!guardians.known) throw new Error(guardians.error.message);
    const given = {
      'vm.security': { guardian: { name: 'UntrustedGuardian', key: ofA.encryptionThumbprint }, isShielded: false },
      'destination.guardians': guardians.value,
    };
    const check = checks.find(({ id }) => id === 'key-protector');
    return check?.judge(situationOf('lan', {}, given)).outcome ?? 'no such check';
  }

  test('is sealed on one host and made on the other, which preflight then takes; a guardian of the same name is left', async () => {
    b.hyperV.guardians = [ofB];
    expect(await preflight(b)).toBe('found');
    const made = await b.run(['offer']);
    const offer = JSON.parse(made.stdout) as GuardianOffer;
    expect(made.stderr).toContain(offer.fingerprint);
    const exported = await a.run(['export', '--name', 'untrustedguardian', '--for', '-'], made.stdout);
    expect(exported).toMatchObject({ code: 0, stderr: expect.stringContaining(offer.fingerprint) as string });
    await writeFile(sealedPath(), exported.stdout);
    const taken = await b.run(['import', sealedPath()]);
    expect(taken).toMatchObject({ code: 5, stderr: expect.stringContaining('--as "UntrustedGuardian of host-a"') });
    expect(b.hyperV.guardians).toEqual([ofB]);

    const canary = join(folder, 'canary');
    const name = `of host-a '$(New-Item ${canary}); *`;
    const imported = await b.run(['import', sealedPath(), '--as', name, '--json']);
    expect(JSON.parse(imported.stdout) as Imported).toEqual({
      state: 'imported',
      guardian: {
        name,
        hasPrivateKey: true,
        signingThumbprint: ofA.signingThumbprint,
        encryptionThumbprint: ofA.encryptionThumbprint,
      },
    });
    expect([existsSync(canary), await b.files()]).toEqual([false, []]);
    expect(await preflight(b)).toBe('passed');
    expect((await listed(b)).map((one) => [one.name, one.hasPrivateKey])).toEqual([
      ['of-another-host', false],
      ['UntrustedGuardian', true],
      [name, true],
    ]);

    const again = await b.run(['import', sealedPath()]);
    expect(again).toMatchObject({ code: 0, stdout: expect.stringContaining('nothing was changed') as string });
    expect(b.service.changes).toEqual(['add-guardian']);
    expect(a.service.changes).toEqual([]);
  });

  test('is not exported where its keys are not, or must not leave, or where it is not', async () => {
    expect((await b.run(['offer', '--out', offerPath()])).code).toBe(0);
    const refused = async (name: string) => {
      const { code, stdout, stderr } = await a.run(['export', '--name', name, '--for', offerPath()]);
      expect({ code, stdout }).toEqual({ code: 5, stdout: '' });
      return stderr;
    };
    expect(await refused('of-another-host')).toMatch(/NotFound[\s\S]*not the private keys[\s\S]*host that made it/);
    expect(await refused('Untrusted*')).toMatch(/NotFound[\s\S]*no guardian "Untrusted\*"[\s\S]*guardian list/);
    a.hyperV.guardians = [{ ...ofA, isExportable: false }];
    expect(await refused('UntrustedGuardian')).toMatch(
      /AccessDenied[\s\S]*cannot leave[\s\S]*Grant-HgsKeyProtectorAccess/,
    );
    a.service.refuse('guardians');
    expect(await refused('UntrustedGuardian')).toMatch(/AccessDenied[\s\S]*Access is denied/);
  });

  test('whose import is killed is made by the next one, once, and its files are gone', async () => {
    await sealed();
    const importing = b.start(['import', sealedPath()]);
    b.service.strike = (command) => {
      if (command !== 'add-guardian') return undefined;
      importing.child.kill('SIGKILL');
      b.service.strike = () => undefined;
      return 'before';
    };
    expect((await importing.ended).signal).toBe('SIGKILL');
    const left = await b.files();
    expect(left.filter((one) => one.endsWith('.pfx'))).toHaveLength(2);
    for (const one of left) expect((await stat(join(b.stateFolder, one))).mode & 0o077).toBe(0);

    b.service.killWorkerAt('add-guardian', 'after');
    const lost = await b.run(['import', sealedPath()]);
    expect(lost).toMatchObject({ code: 7, stderr: expect.stringContaining('HyperVSilent') as string });
    expect((await b.files()).filter((one) => one.endsWith('.pfx'))).toEqual([]);

    const imported = await b.run(['import', sealedPath(), '--json']);
    expect(JSON.parse(imported.stdout)).toMatchObject({ state: 'already', guardian: { name: 'UntrustedGuardian' } });
    expect(b.hyperV.guardians).toHaveLength(1);
    expect(await b.files()).toEqual([]);
  });

  test('is in no transcript: neither its password nor its keys', async () => {
    const written: TranscriptEntry[] = [];
    const client = clientOf(a.service, [], (entry) => void written.push(entry));
    const password = 'p'.repeat(43);
    const answered = await client.call('export-guardian', { Name: 'UntrustedGuardian', Password: password });
    await client.close();
    const exported = valueOf(answered);
    if (exported.state !== 'exported') throw new Error(exported.state);
    const text = JSON.stringify(written);
    expect(text).toContain(ofA.encryptionThumbprint);
    for (const secret of [password, exported.signingPfx, exported.encryptionPfx]) expect(text).not.toContain(secret);
  });

  test('is listed in a table, with the certificates by which it is known', async () => {
    const { stdout } = await a.run(['list']);
    expect(stdout).toMatch(/^NAME +PRIVATE KEY +ENCRYPTION +SIGNING\n/);
    expect(stdout).toContain(`UntrustedGuardian  here         ${ofA.encryptionThumbprint}  ${ofA.signingThumbprint}`);
  });
});
