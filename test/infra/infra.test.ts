import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { z } from 'zod';
import { readSettings } from '../../activities/settings';
import { generateSigningKey } from '../../relay/signing';
import { mentions, readBicep, type BicepFile } from './bicep-text';

// What can be known of the infrastructure without Azure and, where it is not installed, without the Bicep compiler.

const root = resolve(__dirname, '..', '..', '..');
const infra = join(root, 'infra');
const modulePaths = readdirSync(join(infra, 'modules')).map((name) => join(infra, 'modules', name));
const main = readBicep(join(infra, 'main.bicep'));
const modules = new Map(modulePaths.map((path) => [basename(path, '.bicep'), readBicep(path)]));
const all: [string, BicepFile][] = [['main', main], ...modules];
const moduleOf = (name: string): BicepFile => {
  const found = modules.get(name);
  if (found === undefined) throw new Error(`there is no module ${name}`);
  return found;
};

describe.each(all)('%s.bicep', (_name, file) => {
  test('describes every parameter and output', () => {
    for (const { name, description } of [...file.parameters, ...file.outputs])
      expect({ name, described: (description ?? '').length > 4 }).toEqual({ name, described: true });
  });

  test('uses every parameter and variable', () => {
    expect(file.parameters.length).toBeGreaterThan(0);
    for (const name of [...file.parameters.map((parameter) => parameter.name), ...file.variables])
      expect({ name, used: mentions(file.code, name) > 1 }).toEqual({ name, used: true });
  });

  test('reads no key, puts out no secret, and keeps what is secret marked so', () => {
    expect(file.code).not.toMatch(/listKeys|listAccountSas|listServiceSas|AccountKey|SharedAccessKey/);
    for (const { name, secure } of file.parameters)
      if (/key|secret|password/i.test(name)) expect({ name, secure }).toEqual({ name, secure: true });
    const secrets = file.parameters.filter(({ secure }) => secure).map(({ name }) => name);
    const outputs = file.code.match(/^output .*$/gm) ?? [];
    for (const secret of secrets) for (const output of outputs) expect(mentions(output, secret)).toBe(0);
  });

  test('takes no module from a registry, and closes what it opens', () => {
    expect(file.code).not.toMatch(/'br[:/]|'ts[:/]/);
    for (const [open, close] of ['{}', '[]', '()'] as const)
      expect(file.code.split(open!).length).toBe(file.code.split(close!).length);
  });
});

describe('main.bicep', () => {
  test('gives each module just the parameters that it has', () => {
    expect(main.modules.map(({ name }) => name).sort()).toEqual([...modules.keys()].sort());
    for (const { name, path, parameters } of main.modules) {
      expect(path).toBe(`modules/${name}.bicep`);
      const declared = moduleOf(name).parameters;
      const required = declared.filter(({ optional }) => !optional).map((parameter) => parameter.name);
      expect({ name, missing: required.filter((one) => !parameters.includes(one)) }).toEqual({ name, missing: [] });
      const known = declared.map((parameter) => parameter.name);
      expect({ name, unknown: parameters.filter((one) => !known.includes(one)) }).toEqual({ name, unknown: [] });
    }
  });

  test('reads only outputs that the modules have', () => {
    const read = [...main.code.matchAll(/(\w+)\.outputs\.(\w+)/g)];
    expect(read.length).toBeGreaterThan(5);
    for (const [, name = '', output = ''] of read)
      expect(moduleOf(name).outputs.map((one) => one.name)).toContain(output);
  });

  test('gets every parameter without a default from main.parameters.json, and nothing else', () => {
    const file = z
      .object({ parameters: z.record(z.string(), z.object({ value: z.unknown() })) })
      .parse(JSON.parse(readFileSync(join(infra, 'main.parameters.json'), 'utf8')));
    const given = Object.keys(file.parameters);
    const known = main.parameters.map(({ name }) => name);
    expect(given.filter((name) => !known.includes(name))).toEqual([]);
    const required = main.parameters.filter(({ optional }) => !optional).map(({ name }) => name);
    expect(required.filter((name) => !given.includes(name))).toEqual([]);
    expect(file.parameters['signingKey']?.value).toBe('${HYPERFERRY_SIGNING_KEY}');
  });
});

describe('roles', () => {
  // Built-in roles, by the documentation of Azure role-based access control.
  const allowed = new Map([
    ['b7e6dc6d-f1e8-4753-8033-0f276bb0955b', 'storageBlobDataOwner'],
    ['974c5e8b-45b9-4653-ba55-5f855dd0fb88', 'storageQueueDataContributor'],
    ['0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3', 'storageTableDataContributor'],
    ['3913510d-42f4-4e42-8a64-420c390055eb', 'monitoringMetricsPublisher'],
    ['26baccc8-eea7-41f1-98f4-1762cc7f685d', 'relaySender'],
    ['26e0b698-aa6d-4085-9386-aadae190014d', 'relayListener'],
  ]);
  const guid = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/gi;

  test('are those of the list, under their names, each assigned somewhere', () => {
    const { code } = moduleOf('roles');
    const named = [...code.matchAll(/^ {2}(\w+): '([0-9a-f-]{36})'$/gm)].map(([, name, id]) => [id, name]);
    expect(new Map(named as [string, string][])).toEqual(allowed);
    for (const name of allowed.values()) expect(mentions(code, `roleIds.${name}`)).toBeGreaterThan(0);
  });

  test('stand in no other file', () => {
    for (const [name, file] of all) if (name !== 'roles') expect(file.text.match(guid)).toBeNull();
  });

  test('of hosts are assigned on a hybrid connection and never on the namespace', () => {
    const scopes = [...moduleOf('roles').code.matchAll(/^ {2,4}scope: (\S+)$/gm)].map(([, scope]) => scope);
    expect(scopes.sort()).toEqual(['connections[index]', 'connections[index]', 'insights', 'storage']);
  });
});

describe('resources', () => {
  test('storage has no shared keys, no anonymous blobs and no old TLS', () => {
    const { code } = moduleOf('storage');
    for (const line of ['allowSharedKeyAccess: false', 'allowBlobPublicAccess: false', "minimumTlsVersion: 'TLS1_2'"])
      expect(code).toContain(line);
  });

  test('the relay asks senders for a token, and its only keys listen on one hybrid connection', () => {
    const { code } = moduleOf('relay');
    expect(code).toContain('requiresClientAuthorization: true');
    expect([...code.matchAll(/rights: \[(.*)\]/g)].map(([, rights]) => rights)).toEqual(["'Listen'"]);
    expect(code).not.toContain('namespaces/authorizationRules');
  });

  test('telemetry needs an identity, and HTTP needs TLS', () => {
    expect(moduleOf('monitoring').code).toContain('DisableLocalAuth: true');
    expect(moduleOf('app').code).toContain('httpsOnly: true');
  });

  test('the app is the service of azure.yaml', () => {
    const service = /^services:\n {2}(\w+):/m.exec(readFileSync(join(root, 'azure.yaml'), 'utf8'))?.[1];
    expect(moduleOf('app').code).toContain(`'azd-service-name': '${service}'`);
  });
});

describe('app settings', () => {
  const block = /^ {2}resource settings 'config' = \{\n[\s\S]*?^ {2}\}/m.exec(moduleOf('app').code)?.[0] ?? '';
  const names = [...block.matchAll(/^ {6}(\w+):/gm)].map(([, name = '']) => name);

  test('are all that the app asks for, without a key but the signing key', () => {
    const samples: Record<string, string> = {
      HYPERFERRY_HOSTS: 'host-a,host-b',
      HYPERFERRY_RELAY_ENDPOINT: 'https://relay.servicebus.windows.net',
      HYPERFERRY_SIGNING_KEY: generateSigningKey().privateKeyBase64,
      HYPERFERRY_LOOK_MS_MIN: '1000',
      HYPERFERRY_LOOK_MS_MAX: '15000',
      HYPERFERRY_SILENCE_MS_MAX: '180000',
      AzureWebJobsStorage__blobServiceUri: 'https://account.blob.core.windows.net/',
    };
    for (const name of Object.keys(samples)) expect(names).toContain(name);
    const settings = readSettings(Object.fromEntries(names.map((name) => [name, samples[name] ?? 'x'])));
    expect(settings.HYPERFERRY_HOSTS).toEqual(['host-a', 'host-b']);
    expect(names.filter((name) => /key/i.test(name))).toEqual(['HYPERFERRY_SIGNING_KEY']);
  });

  test('hold nothing that Flex Consumption refuses', () => {
    const refused = ['FUNCTIONS_WORKER_RUNTIME', 'WEBSITE_RUN_FROM_PACKAGE', 'WEBSITE_CONTENTSHARE'];
    expect(names.filter((name) => refused.includes(name))).toEqual([]);
  });
});

describe('the Bicep compiler', () => {
  const named = process.env['HYPERFERRY_BICEP'];
  const compiler = named ?? 'bicep';
  const installed = spawnSync(compiler, ['--version'], { stdio: 'ignore' }).status === 0;

  if (!installed && named === undefined)
    process.stderr.write('skipped: no bicep on the PATH and HYPERFERRY_BICEP is not set; the text was checked alone\n');

  (installed || named !== undefined ? test : test.skip)('builds main.bicep, and its linter finds nothing', () => {
    expect({ compiler, installed }).toEqual({ compiler, installed: true });
    const folder = mkdtempSync(join(tmpdir(), 'hyperferry-bicep-'));
    try {
      const path = join(infra, 'main.bicep');
      const build = spawnSync(compiler, ['build', path, '--outfile', join(folder, 'main.json')], { encoding: 'utf8' });
      expect({ status: build.status, stderr: build.stderr }).toEqual({ status: 0, stderr: '' });
      const lint = spawnSync(compiler, ['lint', path], { encoding: 'utf8' });
      expect({ status: lint.status, said: lint.stdout + lint.stderr }).toEqual({ status: 0, said: '' });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
