import { engine } from '../powershell/engine';
import { SharedWorkers } from '../powershell/stand-in/host';
import { TestHosts, type HostName } from '../simulated/test-hosts';
import { describeHyperVDriver } from './hyperv-driver';

// Each operation is some calls of a PowerShell, on a machine that may be busy with others.
jest.setTimeout(300_000);

if (engine !== undefined) {
  const hosts = new TestHosts();
  const workers = { source: new SharedWorkers(), destination: new SharedWorkers() };
  const all = Object.values(workers);
  beforeAll(() => hosts.make());
  afterEach(async () => {
    for (const one of all) await one.idle();
    await hosts.close();
  });
  afterAll(async () => {
    for (const one of all) await one.close();
    await hosts.remove();
  });

  const driverOf = async (name: HostName) => workers[name].over(await hosts.open(name), await hosts.hostFolder(name));

  describeHyperVDriver('the PowerShell driver over the stand-in', async (where, tracking = 'change-tracking') => {
    await hosts.setTracking(tracking === 'change-tracking');
    const source = await driverOf('source');
    const destination = where === 'same-host' ? source : await driverOf('destination');
    const folder = hosts.pathOn(where === 'same-host' ? 'source' : 'destination', 'elsewhere');
    return { source, destination, vmId: hosts.vmId, folder };
  });
} else test.skip('the PowerShell driver over the stand-in: there is no PowerShell', () => undefined);
