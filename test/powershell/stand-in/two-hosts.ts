import type { HyperVDriver } from '../../../agent/hyperv/driver';
import { TestHosts, type HostName } from '../../simulated/test-hosts';
import { standInOver, type StandInHost } from './host';

/** A source with a VM that has written since its start, and a destination, each with the stand-in and workers of its own. */
export type TwoHosts = {
  readonly sides: Readonly<Record<HostName, StandInHost>>;
  readonly drivers: Readonly<Record<HostName, HyperVDriver>>;
  /** Where the VM goes. */
  readonly folder: string;
};

/** Hosts of the tests of a suite: made before the first, new for each, and gone after the last. */
export class StandInHosts {
  readonly hosts = new TestHosts();
  private readonly open: StandInHost[] = [];

  constructor() {
    beforeAll(() => this.hosts.make());
    afterEach(async () => {
      for (const host of this.open.splice(0)) await host.close();
      await this.hosts.close();
    });
    afterAll(() => this.hosts.remove());
  }

  async one(name: HostName): Promise<StandInHost> {
    const host = await standInOver(await this.hosts.open(name), await this.hosts.hostFolder(name));
    this.open.push(host);
    return host;
  }

  async two(): Promise<TwoHosts> {
    const sides = { source: await this.one('source'), destination: await this.one('destination') };
    await this.hosts.whenAwake(sides.source.hyperV.simulated);
    const drivers = { source: sides.source.driver, destination: sides.destination.driver };
    return { sides, drivers, folder: this.hosts.pathOn('destination', 'elsewhere') };
  }
}
