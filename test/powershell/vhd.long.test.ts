import { migrationId, type HostId } from '../../contracts/ids';
import type { Receipt } from '../../contracts/receipt';
import { destination, mib, source } from '../agent/small-site';
import { describeWithEngine } from './engine';
import { PowerShellSite } from './powershell-site';

// Real processes, each call one of a PowerShell, on a machine that may be busy with others.
jest.setTimeout(900_000);

const disks = [
  { format: 'vhd', virtualSizeBytes: 64 * mib, dataBytes: 12 * mib },
  { format: 'vhd', kind: 'fixed', virtualSizeBytes: 16 * mib, dataBytes: 2 * mib },
] as const;

describeWithEngine('a VM with VHDs, carried by agents that use the PowerShell driver', () => {
  let site: PowerShellSite;
  beforeAll(async () => void (site = await PowerShellSite.make({ disks })));
  afterAll(() => site.close());

  const migrate = (kind: string, from: HostId, to: HostId, policy: object): Promise<Receipt> =>
    site.migrate(migrationId.parse(`vhd-${kind}`), {
      kind,
      sourceHost: from,
      destinationHost: to,
      vmId: site.vms.web,
      destinationFolder: site.folderOn(to, kind),
      policy,
    });

  /** What is attached to the VM where it runs: each disk one file, of which Hyper-V says the format. */
  async function attachedOn(host: HostId): Promise<string[]> {
    const vm = await site.host(host).simulated.vm(site.vms.web);
    expect(vm).toMatchObject({ state: 'running', heartbeat: 'ok' });
    return (vm?.disks ?? []).flatMap(({ images }) => images.map(({ path }) => path.split('/').at(-1) ?? ''));
  }

  test('lan: both stay VHDs', async () => {
    const receipt = await migrate('lan', source, destination, { retire: 'delete' });
    expect(receipt).toMatchObject({ state: 'completed', failure: null });
    expect(receipt.verified.length).toBe(2);
    expect(await attachedOn(destination)).toEqual(['web-0.vhd', 'web-1.vhd']);
  });

  test('quick-storage: the VM checkpoint of the run is merged where it arrives', async () => {
    const receipt = await migrate('quick-storage', destination, source, { retire: 'delete' });
    expect(receipt).toMatchObject({ state: 'completed', failure: null });
    expect(receipt.verified.length).toBe(2);
    expect(await attachedOn(source)).toEqual(['web-0.vhd', 'web-1.vhd']);
  });

  test('warm: rounds by differencing disks, since no VHD is tracked, and no layer is left', async () => {
    const receipt = await migrate('warm', source, destination, {
      retire: 'keep',
      outageMsMax: 1_000,
      roundsMax: 2,
      ifNotShrinking: 'cut-over',
    });
    expect(receipt).toMatchObject({ state: 'completed', failure: null });
    expect(receipt.rounds.length).toBeGreaterThan(1);
    expect(receipt.rounds.slice(1).some(({ whole }) => whole)).toBe(false);
    expect(receipt.verified.length).toBe(2);
    expect(await attachedOn(destination)).toEqual(['web-0.vhd', 'web-1.vhd']);
    expect(await site.host(source).hyperV.checkpoints.points()).toEqual([]);
  });

  test('lan, and on the way both become VHDXs, which the configuration names', async () => {
    const receipt = await site.migrate(migrationId.parse('vhd-to-vhdx'), {
      kind: 'lan',
      sourceHost: destination,
      destinationHost: source,
      vmId: site.vms.web,
      destinationFolder: site.folderOn(source, 'converted'),
      convertTo: 'vhdx',
      policy: { retire: 'delete', stop: 'shut-down', verify: 'all' },
    });
    expect(receipt).toMatchObject({ state: 'completed', failure: null });
    expect(receipt.verified.length).toBe(2);
    expect(receipt.configurationChanges.join(' ')).toContain('web-0.vhdx');
    expect(await attachedOn(source)).toEqual(['web-0.vhdx', 'web-1.vhdx']);
  });
});
