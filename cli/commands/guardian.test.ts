import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateSigningKey } from '../../relay/signing';
import { runInProcess } from '../testing/in-process';

let folder = '';
let config = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hyperferry-guardian-'));
  config = join(folder, 'agent.json');
  const document = {
    hostId: 'host-1',
    stateFolder: 'state',
    driver: { type: 'simulated', folder: 'host' },
    relay: { endpoint: 'http://127.0.0.1:1', sas: { keyName: 'agent', key: 'agent-key' } },
    appPublicKeys: [generateSigningKey().publicKeyBase64],
    byteRoute: { listenAddress: '127.0.0.1', port: 0, advertisedAddress: '192.0.2.1' },
  };
  writeFileSync(config, JSON.stringify(document));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const guardian = (...args: string[]) => runInProcess(['agent', 'guardian', ...args]);

test('the help names the four commands, and each of them its configuration and an example', async () => {
  const { stdout } = await guardian('--help');
  for (const name of ['list', 'offer', 'export', 'import']) {
    expect(stdout).toMatch(new RegExp(`^  ${name} `, 'm'));
    const help = (await guardian(name, '--help')).stdout;
    expect(help).toContain('--config <file>');
    expect(help).toContain(`$ hyperferry agent guardian ${name} --config agent.json`);
  }
});

test('an offer goes to a file that is not there yet, and its fingerprint to the person', async () => {
  const out = join(folder, 'offer.json');
  const made = await guardian('offer', '--config', config, '--out', out);
  const offer = JSON.parse(readFileSync(out, 'utf8')) as { fingerprint: string };
  expect(made).toMatchObject({ code: 0, stdout: '', stderr: `fingerprint of the offer: ${offer.fingerprint}\n` });
  const again = await guardian('offer', '--config', config, '--out', out);
  expect(again).toMatchObject({ code: 2, stderr: expect.stringMatching(/cannot be written[\s\S]*not there yet/) });
  expect(JSON.parse(readFileSync(out, 'utf8'))).toEqual(offer);
});

test.each([
  [['list'], /driver\.type is simulated[\s\S]*driver\.type powershell/],
  [['export', '--name', 'x', '--for', '/nonexistent/offer.json'], /offer\.json cannot be read[\s\S]*--for/],
  [['import', '/nonexistent/sealed.json'], /sealed\.json cannot be read[\s\S]*SEALED/],
])('%j is refused as bad input, with what is wrong and what to do', async (args, said) => {
  const { code, stderr } = await guardian(args[0] ?? '', '--config', config, ...args.slice(1));
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringMatching(said) as string });
});
