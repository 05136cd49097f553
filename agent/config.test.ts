import { generateSigningKey } from '../relay/signing';
import { parseConfig } from './config';

const { publicKeyBase64, privateKeyBase64 } = generateSigningKey();

const good = {
  hostId: 'host-1',
  stateFolder: 'state',
  driver: { type: 'simulated', folder: '/hosts/one' },
  relay: { endpoint: 'https://moves.servicebus.windows.net', sas: { keyName: 'listen', key: 'secret-key' } },
  appPublicKeys: [publicKeyBase64],
  byteRoute: { listenAddress: '0.0.0.0', port: 0, advertisedAddress: 'host-1.example' },
};

describe('configuration', () => {
  test('folders are taken from where the file is, and the number of pulls has a default', () => {
    expect(parseConfig(good, '/etc/agent')).toMatchObject({
      ok: true,
      value: { stateFolder: '/etc/agent/state', driver: { folder: '/hosts/one' }, byteRoute: { pullsAtOnceMax: 4 } },
    });
  });

  test('a driver of real Hyper-V has folders for VMs, and keeps a transcript of a bounded size', () => {
    const driver = { type: 'powershell', roots: ['/vms/', '/more'] };
    expect(parseConfig({ ...good, driver }, '/etc/agent')).toMatchObject({
      ok: true,
      value: { driver: { roots: ['/vms', '/more'], transcriptBytesMax: 16 * 1024 ** 2 } },
    });
  });

  test.each<[string, object, string]>([
    ['no folder', { roots: [] }, 'driver.roots is []: name a folder'],
    ['a relative one', { roots: ['vms'] }, 'driver.roots.0 is vms: use an absolute path'],
    [
      'a share',
      { roots: ['/vms', '\\\\nas\\vms'] },
      'driver.roots.1 is \\\\nas\\vms: use a folder on a volume of this host',
    ],
    [
      'one in another',
      { roots: ['/vms', '/vms/web'] },
      'driver.roots is ["/vms","/vms/web"]: name folders of which none',
    ],
    ['one twice', { roots: ['/vms', '/vms/'] }, 'none is or lies in another'],
    ['an unknown field', { roots: ['/vms'], folder: '/x' }, 'driver.folder: no such field; remove it'],
    ['no program', { roots: ['/vms'], engine: '' }, 'driver.engine is : name it'],
    ['half a byte', { roots: ['/vms'], transcriptBytesMax: 0.5 }, 'driver.transcriptBytesMax is 0.5'],
  ])('a driver of real Hyper-V with %s is named with its value and what to do', (_what, given, text) => {
    const outcome = parseConfig({ ...good, driver: { type: 'powershell', ...given } }, '/');
    expect(outcome.ok ? 'accepted' : outcome.failure.message).toContain(text);
  });

  test('the certificate of an identity is taken from where the file is', () => {
    const entra = { type: 'client-certificate', tenantId: 't', clientId: 'c', certificatePath: 'agent.pem' };
    const relay = { endpoint: good.relay.endpoint, entra };
    expect(parseConfig({ ...good, relay }, '/etc/agent')).toMatchObject({
      ok: true,
      value: { relay: { identity: { certificatePath: '/etc/agent/agent.pem' } } },
    });
  });

  test.each([
    { type: 'managed-identity' },
    { type: 'managed-identity', clientId: 'c', scope: 'https://relay.azure.net/.default' },
    { type: 'client-certificate', tenantId: 't', clientId: 'c', certificatePath: '/cert.pem' },
  ])('an identity of Entra ID takes the place of a key: %j', (entra) => {
    const relay = { endpoint: good.relay.endpoint, entra };
    expect(parseConfig({ ...good, relay }, '/')).toMatchObject({ ok: true, value: { relay: { identity: entra } } });
  });

  test.each<[string, object, string]>([
    ['a host id with forbidden characters', { ...good, hostId: 'host 1' }, 'hostId is host 1: use only letters'],
    ['no state folder', { ...good, stateFolder: '' }, 'stateFolder is : name it'],
    ['a driver of another kind', { ...good, driver: { type: 'vmware', folder: '/' } }, 'driver.type is vmware'],
    ['an endpoint with a path', { ...good, relay: { ...good.relay, endpoint: 'https://x.y/z' } }, 'without a path'],
    ['an endpoint that is none', { ...good, relay: { ...good.relay, endpoint: 'moves' } }, 'use https://NAME'],
    ['no key and no identity', { ...good, relay: { endpoint: good.relay.endpoint } }, 'either "sas"'],
    [
      'both a key and an identity',
      { ...good, relay: { ...good.relay, entra: { type: 'managed-identity' } } },
      'not both',
    ],
    ['no key of an app', { ...good, appPublicKeys: [] }, 'appPublicKeys is []: give the public key'],
    ['a private key for a public one', { ...good, appPublicKeys: [privateKeyBase64] }, 'use an Ed25519 public key'],
    ['a port that is none', { ...good, byteRoute: { ...good.byteRoute, port: 65_536 } }, 'byteRoute.port is 65536'],
    [
      'no places for pulls',
      { ...good, byteRoute: { ...good.byteRoute, pullsAtOnceMax: 0 } },
      'byteRoute.pullsAtOnceMax is 0',
    ],
    [
      'a field that nobody knows',
      { ...good, byteRoute: { ...good.byteRoute, prot: 1 } },
      'byteRoute.prot: no such field',
    ],
    ['a field that is missing', { ...good, byteRoute: undefined }, 'byteRoute is nothing'],
  ])('%s is named with its value and what to do', (_what, document, text) => {
    const outcome = parseConfig(document, '/');
    expect(outcome.ok ? 'accepted' : outcome.failure.message).toContain(text);
  });

  test('several wrong fields are all named', () => {
    const outcome = parseConfig({ ...good, hostId: '', appPublicKeys: 7 }, '/');
    const message = outcome.ok ? '' : outcome.failure.message;
    expect(message).toContain('hostId is');
    expect(message).toContain('appPublicKeys is 7');
  });

  test('a key of the relay is never shown', () => {
    for (const key of [17, ['secret-key'], { key: 'secret-key' }]) {
      const outcome = parseConfig({ ...good, relay: { ...good.relay, sas: { keyName: 'listen', key } } }, '/');
      const message = outcome.ok ? '' : outcome.failure.message;
      expect(message).toContain('relay.sas.key is (not shown)');
      expect(message).not.toContain('secret');
    }
  });
});
