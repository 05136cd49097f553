import { describeHyperVDriver } from './hyperv-driver';
import { TestHosts } from '../simulated/test-hosts';

const hosts = new TestHosts();
beforeAll(() => hosts.make());
afterEach(() => hosts.close());
afterAll(() => hosts.remove());

describeHyperVDriver('the simulated driver', async (where, tracking = 'change-tracking') => {
  await hosts.setTracking(tracking === 'change-tracking');
  const source = await hosts.open('source');
  const destination = where === 'same-host' ? source : await hosts.open('destination');
  return {
    source,
    destination,
    vmId: hosts.vmId,
    folder: hosts.pathOn(where === 'same-host' ? 'source' : 'destination', 'elsewhere'),
  };
});
