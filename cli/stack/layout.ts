import { join } from 'node:path';
import type { HostId } from '../../contracts/ids';

/** Where what lies in the state folder of the local stack. */
export type Layout = {
  readonly home: string;
  readonly configFolder: string;
  readonly logFolder: string;
  readonly blobFolder: string;
  readonly appFolder: string;
  readonly compileCacheFolder: string;
  /** The agent's own files. */
  readonly agentFolder: (host: HostId) => string;
  /** What the simulated hosts share: their cluster, their SAN, the network between their hypervisors. */
  readonly fabricFolder: string;
  /** The simulated Hyper-V host itself. */
  readonly hostFolder: (host: HostId) => string;
};

export const layoutOf = (home: string): Layout => ({
  home,
  configFolder: join(home, 'config'),
  logFolder: join(home, 'logs'),
  blobFolder: join(home, 'blobs'),
  appFolder: join(home, 'app'),
  compileCacheFolder: join(home, 'compiled'),
  fabricFolder: join(home, 'fabric'),
  agentFolder: (host) => join(home, 'agents', host),
  hostFolder: (host) => join(home, 'hosts', host),
});
