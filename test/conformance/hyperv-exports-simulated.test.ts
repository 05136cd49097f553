import { TestHosts } from '../simulated/test-hosts';
import { exportedVm, exportHosts } from './export-hosts';
import { describeExports } from './hyperv-exports';

jest.setTimeout(120_000);

const hosts = new TestHosts();
beforeAll(() => hosts.make(exportedVm));
afterEach(() => hosts.close());
afterAll(() => hosts.remove());

describeExports('the simulated driver', () => exportHosts(hosts, (name) => hosts.open(name)));
