import { join } from 'node:path';
import { largePagesFor } from '../../agent/disks/large-pages';
import type { HostId } from '../../contracts/ids';
import { packageFolder } from '../home';
import type { ChildCommand } from './child';
import { writeFileAtomic } from './files';
import type { Layout } from './layout';
import type { PortNeed, Ports } from './ports';
import type { StackSecrets } from './secrets';
import type { Service } from './service';

/** What the services are made from. */
export type StackPlan = {
  readonly layout: Layout;
  readonly hosts: readonly HostId[];
  readonly ports: Ports;
  readonly secrets: StackSecrets;
  /** The environment of the command line: a setting that stands there wins over the one of the stack. */
  readonly env: NodeJS.ProcessEnv;
};

const loopback = '127.0.0.1';
const blobAccount = 'hyperferry';
const sendKeyName = 'app-send';
const listenKeyName = 'agents-listen';

const built = (...path: string[]): string => join(packageFolder, 'dist', ...path);
export const routePortName = (host: HostId): string => `route-${host}`;
export const agentName = (host: HostId): string => `agent-${host}`;

/** The ports of a stack with these hosts. Preferred ones lie below those that systems take for outgoing connections. */
export const portNeedsOf = (hosts: readonly HostId[]): PortNeed[] => [
  { name: 'api', what: 'the HTTP interface', preferred: 7071 },
  { name: 'blobs', what: 'the blob service (Azurite)', preferred: 10_000 },
  { name: 'relay', what: 'the relay emulator', preferred: 7180 },
  ...hosts.map((host, index) => ({
    name: routePortName(host),
    what: `the byte route of ${host}`,
    preferred: 7181 + index,
  })),
];

/** The port of that name; a plan always has those that `portNeedsOf` asks for. */
export function portOf(ports: Ports, name: string): number {
  const port = ports[name];
  if (port === undefined) throw new Error(`the stack has no port "${name}"`);
  return port;
}

/** A line such as `{"ready":true,"port":7071}`. */
function isReadyLine(line: string): boolean {
  try {
    const parsed: unknown = JSON.parse(line);
    return typeof parsed === 'object' && parsed !== null && 'ready' in parsed && parsed.ready === true;
  } catch {
    return false;
  }
}

function writeConfig(layout: Layout, name: string, config: unknown): string {
  const path = join(layout.configFolder, `${name}.json`);
  writeFileAtomic(path, `${JSON.stringify(config, null, 2)}\n`);
  return path;
}

const readyMsMax = 60_000;
const stopMsMax = 15_000;

/** A port that is free now: the one given if it is, else another one for that need. */
export type FreePort = (name: string, port: number) => Promise<number>;

type ServiceParts = Pick<Service, 'name' | 'command'> & Partial<Service>;
const service = (layout: Layout, parts: ServiceParts): Service => ({
  logPath: join(layout.logFolder, `${parts.name}.log`),
  saysReady: isReadyLine,
  readyMsMax,
  stopMsMax,
  ...parts,
});

/** Compiled code is kept from start to start, which makes a restart a good deal quicker. */
const commandOf = (
  layout: Layout,
  script: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): ChildCommand => ({ script, args, env: { NODE_COMPILE_CACHE: layout.compileCacheFolder, ...env } });

export function blobService({ layout, ports, secrets }: StackPlan): Service {
  const port = String(portOf(ports, 'blobs'));
  const options = ['--skipApiVersionCheck', '--silent', '--disableTelemetry'];
  return service(layout, {
    name: 'blobs',
    command: commandOf(
      layout,
      built('cli', 'stack', 'azurite-main.js'),
      ['--blobHost', loopback, '--blobPort', port, '--location', layout.blobFolder, ...options],
      { AZURITE_ACCOUNTS: `${blobAccount}:${secrets.blobAccountKey}` },
    ),
    saysReady: (line) => line.includes('successfully listens on'),
  });
}

export function relayService({ layout, ports, secrets, hosts }: StackPlan): Service {
  const config = writeConfig(layout, 'relay', {
    port: portOf(ports, 'relay'),
    namespace: 'local',
    hybridConnections: hosts,
    keys: [
      { name: sendKeyName, key: secrets.relaySendKey, rights: ['Send'] },
      { name: listenKeyName, key: secrets.relayListenKey, rights: ['Listen'] },
    ],
  });
  return service(layout, {
    name: 'relay',
    command: commandOf(layout, built('relay', 'emulator-main.js'), ['--config', config]),
  });
}

/** The command of an agent, with its configuration written. */
function agentCommand({ layout, ports, secrets }: StackPlan, host: HostId): ChildCommand {
  const config = writeConfig(layout, agentName(host), {
    hostId: host,
    stateFolder: layout.agentFolder(host),
    driver: { type: 'simulated', folder: layout.hostFolder(host) },
    relay: {
      endpoint: `http://${loopback}:${portOf(ports, 'relay')}`,
      sas: { keyName: listenKeyName, key: secrets.relayListenKey },
    },
    appPublicKeys: [secrets.signing.publicKeyBase64],
    byteRoute: {
      listenAddress: loopback,
      port: portOf(ports, routePortName(host)),
      advertisedAddress: loopback,
    },
  });
  return commandOf(layout, built('agent', 'main.js'), ['--config', config], largePagesFor(process.env));
}

/**
 * The agent of a host. Its peers learn its port from the app, so it is the one service whose port may change while the others run: when
 * somebody took it between two starts, `freePort` gives another.
 */
export function agentService(plan: StackPlan, host: HostId, freePort: FreePort): Service {
  let current = plan;
  const name = routePortName(host);
  return service(plan.layout, {
    name: agentName(host),
    command: agentCommand(plan, host),
    renewed: async () => {
      const port = await freePort(name, portOf(current.ports, name));
      current = { ...current, ports: { ...current.ports, [name]: port } };
      return agentCommand(current, host);
    },
  });
}

/** What the Functions app is told; in Azure these are its app settings (infra/modules/app.bicep). */
export function appSettings({ ports, secrets, hosts }: StackPlan): Record<string, string> {
  const blobUrl = `http://${loopback}:${portOf(ports, 'blobs')}/${blobAccount}`;
  return {
    AzureWebJobsStorage: `DefaultEndpointsProtocol=http;AccountName=${blobAccount};AccountKey=${secrets.blobAccountKey};BlobEndpoint=${blobUrl};`,
    HYPERFERRY_HOSTS: hosts.join(','),
    HYPERFERRY_RELAY_ENDPOINT: `http://${loopback}:${portOf(ports, 'relay')}`,
    HYPERFERRY_RELAY_KEY_NAME: sendKeyName,
    HYPERFERRY_RELAY_KEY: secrets.relaySendKey,
    HYPERFERRY_SIGNING_KEY: secrets.signing.privateKeyBase64,
    ...paceSettings,
  };
}

// Everything is a function call away here, so a look costs nothing and a person watches.
const paceSettings = {
  HYPERFERRY_LOOK_MS_MIN: '250',
  HYPERFERRY_LOOK_MS_MAX: '1000',
  HYPERFERRY_SILENCE_MS_MAX: '60000',
  HYPERFERRY_BATCH_SCHEDULE: '*/5 * * * * *',
} as const;

export function appService(plan: StackPlan): Service {
  const { layout, ports, env } = plan;
  const paceOfCaller = Object.keys(paceSettings).flatMap((name) => {
    const value = env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  const port = String(portOf(ports, 'api'));
  return service(layout, {
    name: 'app',
    command: commandOf(
      layout,
      built('runtime', 'main.js'),
      ['--app', packageFolder, '--port', port, '--state', layout.appFolder],
      { ...appSettings(plan), ...Object.fromEntries(paceOfCaller) },
    ),
  });
}
