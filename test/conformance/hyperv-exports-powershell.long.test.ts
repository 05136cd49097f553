import { engine } from '../powershell/engine';
import { SharedWorkers } from '../powershell/stand-in/host';
import { TestHosts, type HostName } from '../simulated/test-hosts';
import { exportedVm, exportHosts } from './export-hosts';
import { describeExports } from './hyperv-exports';
import { describeSwitches } from './hyperv-switches';

// Each operation is some calls of a PowerShell, on a machine that may be busy with others.
jest.setTimeout(300_000);

if (engine !== undefined) {
  const hosts = new TestHosts();
  const workers = { source: new SharedWorkers(), destination: new SharedWorkers() };
  const all = Object.values(workers);
  beforeAll(() => hosts.make(exportedVm));
  afterEach(async () => {
    for (const one of all) await one.idle();
    await hosts.close();
  });
  afterAll(async () => {
    for (const one of all) await one.close();
    await hosts.remove();
  });

  const driverOf = async (name: HostName) => workers[name].over(await hosts.open(name), await hosts.hostFolder(name));
  describeExports('the PowerShell driver over the stand-in', () => exportHosts(hosts, driverOf));
  describeSwitches('the PowerShell driver over the stand-in', () => exportHosts(hosts, driverOf));
} else test.skip('exports by the PowerShell driver over the stand-in: there is no PowerShell', () => undefined);
