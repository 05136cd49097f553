import { describeHyperVDriver } from './hyperv-driver';
import type { HostsFor } from './hyperv-move';
import { smallVhdVm, TestHosts } from '../simulated/test-hosts';

const hosts = new TestHosts();
beforeAll(() => hosts.make(smallVhdVm));
afterEach(() => hosts.close());
afterAll(() => hosts.remove());

const hostsFor: HostsFor = async (where) => {
  const source = await hosts.open('source');
  const destination = where === 'same-host' ? source : await hosts.open('destination');
  return {
    source,
    destination,
    vmId: hosts.vmId,
    folder: hosts.pathOn(where === 'same-host' ? 'source' : 'destination', 'elsewhere'),
  };
};

// No host tracks the changes of a VHD: the rounds of a host that could are made as those of one that cannot.
describeHyperVDriver('the simulated driver, with VHDs', hostsFor, ['differencing']);
