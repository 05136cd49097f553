import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createHost, createVm, type VmSpec } from '../../agent/hyperv/simulated';
import { hostId, type HostId, type VmId } from '../../contracts/ids';
import { createRelayClient } from '../../relay/client';
import { systemClock } from '../../relay/clock';
import { startEmulator, type Emulator } from '../../relay/emulator';
import { systemRandom } from '../../relay/random';
import { generateSigningKey, signingKeyFrom } from '../../relay/signing';
import { sasTokens } from '../../relay/token';
import { AgentProcess } from './agent-process';
import { App } from './app';
import { tempFolder } from './temp-folder';

export const mib = 1024 ** 2;
export const source = hostId.parse('source');
export const destination = hostId.parse('destination');

const keyPair = generateSigningKey();
const key = signingKeyFrom(keyPair.privateKeyBase64);

const vmSpec: VmSpec = {
  name: 'web',
  seed: 7,
  memoryBytes: mib,
  disks: [{ virtualSizeBytes: 64 * mib, dataBytes: 12 * mib, blockSizeBytes: mib }],
  guest: { workAreaBytes: mib, outskirtsBytes: 2 * mib, flushEveryMs: 100 },
  state: 'running',
};

const startRelay = (port: number): Promise<Emulator> =>
  startEmulator({
    port,
    namespace: 'test',
    hybridConnections: [source, destination],
    keys: [
      { name: 'app', key: 'app-key', rights: ['Send'] },
      { name: 'agent', key: 'agent-key', rights: ['Listen'] },
    ],
  });

/** Two simulated hosts, one with a VM that runs, a relay and an app; the agents are started by the test. */
export class SmallSite {
  #relay: Emulator;

  private constructor(
    readonly folder: string,
    readonly app: App,
    readonly vmId: VmId,
    relay: Emulator,
  ) {
    this.#relay = relay;
  }

  /** `vm`: how the VM is other than usual. */
  static async make(vm: Partial<VmSpec> = {}): Promise<SmallSite> {
    const folder = await tempFolder('agent-site');
    const relay = await startRelay(0);
    const tokens = sasTokens({ keyName: 'app', key: 'app-key', clock: systemClock });
    const endpoint = `http://127.0.0.1:${relay.port}`;
    const client = createRelayClient({ endpoint, tokens, signingKey: key, clock: systemClock, random: systemRandom });
    for (const host of [source, destination]) await createHost(join(folder, `host-${host}`));
    const made = await createVm(join(folder, `host-${source}`), { ...vmSpec, ...vm });
    if (!made.ok) throw new Error(made.failure.message);
    return new SmallSite(folder, new App(client, key), made.value, relay);
  }

  /** What an app is told, so that it reaches the agents of this site. */
  appSettings(): Record<string, string> {
    return {
      HYPERFERRY_HOSTS: `${source},${destination}`,
      HYPERFERRY_RELAY_ENDPOINT: `http://127.0.0.1:${this.#relay.port}`,
      HYPERFERRY_RELAY_KEY_NAME: 'app',
      HYPERFERRY_RELAY_KEY: 'app-key',
      HYPERFERRY_SIGNING_KEY: keyPair.privateKeyBase64,
    };
  }

  configOf(host: HostId, byteRoute: { readonly port?: number } = {}) {
    return {
      hostId: host,
      stateFolder: `state-${host}`,
      driver: { type: 'simulated', folder: `host-${host}` },
      relay: { endpoint: `http://127.0.0.1:${this.#relay.port}`, sas: { keyName: 'agent', key: 'agent-key' } },
      appPublicKeys: [keyPair.publicKeyBase64],
      byteRoute: { listenAddress: '127.0.0.1', port: 0, advertisedAddress: '127.0.0.1', ...byteRoute },
    };
  }

  /** The agent of a host, as soon as it is ready. */
  async start(host: HostId): Promise<AgentProcess> {
    const agent = await this.launch(this.configOf(host));
    await agent.ready;
    return agent;
  }

  /** An agent process with any configuration, ready or not. */
  launch(config: object, env: NodeJS.ProcessEnv = {}): Promise<AgentProcess> {
    return AgentProcess.start(this.folder, config, env);
  }

  /** Where volumes of a host are. */
  folderOn(host: HostId, ...names: string[]): string {
    return join(this.folder, `host-${host}`, 'volumes', 'vms', ...names);
  }

  async relayDown(): Promise<() => Promise<void>> {
    const { port } = this.#relay;
    await this.#relay.close();
    return async () => {
      this.#relay = await startRelay(port);
    };
  }

  async close(): Promise<void> {
    await AgentProcess.killAll();
    await this.#relay.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}
