import { carriesOut } from '../../agent/hyperv/powershell/operations';
import { engine } from '../powershell/engine';
import { standInOver, type StandInHost } from '../powershell/stand-in/host';
import { TestHosts, type HostName } from '../simulated/test-hosts';
import { describeHyperVDriverInPart } from './hyperv-driver';

if (engine !== undefined) {
  const hosts = new TestHosts();
  const open: StandInHost[] = [];
  beforeAll(() => hosts.make());
  afterEach(async () => {
    for (const host of open.splice(0)) await host.close();
    await hosts.close();
  });
  afterAll(() => hosts.remove());

  const driverOf = async (name: HostName) => {
    const host = await standInOver(await hosts.open(name), await hosts.hostFolder(name));
    open.push(host);
    return host.driver;
  };

  describeHyperVDriverInPart(
    'the PowerShell driver over the stand-in',
    async (where) => {
      const source = await driverOf('source');
      const destination = where === 'same-host' ? source : await driverOf('destination');
      const folder = hosts.pathOn(where === 'same-host' ? 'source' : 'destination', 'elsewhere');
      return { source, destination, vmId: hosts.vmId, folder };
    },
    carriesOut,
  );
} else test.skip('the PowerShell driver over the stand-in: there is no PowerShell', () => undefined);
