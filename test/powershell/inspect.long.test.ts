import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DriverInspection } from '../../agent/hyperv/driver';
import { runId, vmId as vmIdOf } from '../../contracts/ids';
import type { Fact } from '../../contracts/inspection';
import { missingFrom } from '../../contracts/processor';
import { perform, valueOf } from '../conformance/hyperv-move';
import { FabricSite } from '../simulated/fabric-site';
import { smallVm, TestHosts } from '../simulated/test-hosts';
import { describeWithEngine } from './engine';
import { standInOver, type StandInHost } from './stand-in/host';

const run = runId.parse('inspect-r1');

/** Facts by their name, those that the PowerShell driver says it cannot tell left out. */
function toldIn(facts: object): Record<string, unknown> {
  const all = Object.entries(facts) as [string, Fact<unknown>][];
  return Object.fromEntries(all.flatMap(([name, fact]) => (fact.known ? [[name, fact.value]] : [])));
}

/** The same facts of the other driver. */
const sameOf = (facts: object, told: object): Record<string, unknown> => {
  const all = toldIn(facts);
  return Object.fromEntries(Object.keys(told).map((name) => [name, all[name]]));
};
const notToldIn = (facts: object): string[] => Object.keys(facts).filter((name) => !(name in toldIn(facts)));

const otherwise = {
  guardians: ['guardian-1', 'guardian-2'],
  attestedBy: 'http://hgs.example/Attestation',
  migrationAuthentication: { type: 'kerberos', delegatedTo: ['HOST-B', 'HOST-C'], credentialGuard: true },
  migrationNetworks: ['10.1.0.0/24', '10.2.0.0/24'],
};

describeWithEngine('what the PowerShell driver tells before a move', () => {
  const hosts = new TestHosts();
  let host: StandInHost | undefined;
  const calls: string[] = [];

  beforeAll(() =>
    hosts.make({
      ...smallVm,
      switchName: 'LAN',
      vlanId: 20,
      vmCheckpoints: ['before the update'],
      hardware: {
        media: [{ drive: 'dvd-0-1', path: '/iso/tools.iso' }],
        macAddress: '00155D010203',
        isMacDynamic: false,
        guardian: 'guardian-1',
        isShielded: true,
        assignedDevices: [
          { type: 'device', name: 'PCIP\\\\VEN_1' },
          { type: 'gpu-partition', name: 'gpu-0' },
        ],
        runsNestedVms: true,
        isReplicated: true,
        integration: { heartbeat: true, shutdown: false },
        automaticStart: 'start-if-running',
        passThroughDisks: [{ diskId: 'scsi-0-7', path: 'Disk 7' }] as never,
        sharedDisks: ['scsi-0-0'] as never,
      },
    }),
  );
  afterEach(async () => {
    await host?.close();
    host = undefined;
    calls.length = 0;
    await hosts.close();
  });
  afterAll(() => hosts.remove());

  async function open(more: object = {}, name: 'source' | 'destination' = 'source'): Promise<StandInHost> {
    const file = join(await hosts.hostFolder(name), 'host.json');
    const record = JSON.parse(await readFile(file, 'utf8')) as object;
    await writeFile(file, JSON.stringify({ ...record, ...otherwise, ...more }));
    const simulated = await hosts.open(name);
    if (name === 'source') await hosts.whenAwake(simulated);
    host = await standInOver(simulated, await hosts.hostFolder(name), ({ call }) => void calls.push(call));
    return host;
  }

  const asked = (more: object = {}) =>
    ({
      contract: 1,
      runId: run,
      vmId: hosts.vmId,
      vmName: null,
      describesVm: true,
      folder: null,
      imports: null,
      ...more,
    }) as const;

  test('of host and VM is what the host itself tells, in one round trip each', async () => {
    const { driver, hyperV } = await open();
    const told: DriverInspection = await driver.inspect(asked());
    const expected = await hyperV.simulated.inspect(asked());
    expect([...calls].sort()).toEqual(['inspect-host', 'inspect-vm', 'read-host', 'read-vms', 'read-vms']);

    expect(notToldIn(told.host)).toEqual(['vlans']);
    const { clock, memory, diskFormats, processor, ...ofHost } = toldIn(told.host);
    expect(ofHost).toEqual(sameOf(expected.host, ofHost));
    expect([clock, memory, diskFormats]).toEqual([
      { nowMs: expect.any(Number) as number },
      sameOf(expected.host, { memory })['memory'],
      ['vhd', 'vhdx', 'vhd-set'],
    ]);

    expect(notToldIn(told.vm ?? {})).toEqual(['changedBytesPerSecond']);
    const { savedStateBytes, fileBytes, volume, disks, processor: ofGuest, ...ofVm } = toldIn(told.vm ?? {});
    expect(ofVm).toEqual(sameOf(expected.vm ?? {}, ofVm));
    expect(savedStateBytes).toBeGreaterThanOrEqual(smallVm.memoryBytes ?? 0);
    expect(fileBytes).toBeGreaterThan(2 * 1024 ** 2);
    expect(volume).toMatchObject({ root: hosts.pathOn('source'), reservedBytes: 0 });
    // Hyper-V tells the size of a file, and not how much of it is data; and the guest, which writes, may make it grow between the two looks.
    const withoutSizes = (all: unknown) =>
      JSON.parse(
        JSON.stringify(all, (key, value: unknown) =>
          key === 'allocatedBytes' || key === 'fileSizeBytes' ? undefined : value,
        ),
      ) as unknown;
    expect(withoutSizes(disks)).toEqual(withoutSizes(toldIn(expected.vm ?? {})['disks']));
    expect(JSON.stringify(disks)).toMatch(/"fileSizeBytes":[1-9]/);
    expect(told.presence).toEqual(expected.presence);
    // Hyper-V tells numbers, and not the features that they stand for.
    expect(processor).toMatchObject({ maker: 'GenuineIntel', features: [], vectors: [{ id: 1 }, { id: 7 }] });
    expect(ofGuest).toMatchObject({ maker: 'GenuineIntel', features: [], compatibilityMode: false });
  });

  test('of a folder is its room, what stands there and what was promised to others', async () => {
    const { driver } = await open();
    const folder = hosts.pathOn('source', 'elsewhere');
    const other = runId.parse('other-r1');
    const another = { vmId: vmIdOf.parse('11111111-2222-4333-8444-555555555555'), folder };
    valueOf(await perform(driver, other, 'reserve-room', { ...another, roomBytes: 1000, memoryBytes: 10 }));
    const { place } = await driver.inspect(asked({ folder }));
    if (place?.allowed !== true) throw new Error('the folder is refused');
    expect(toldIn(place)).toMatchObject({
      volume: { root: hosts.pathOn('source'), reservedBytes: 1000, fileBytesMax: (2 ** 32 - 1) * 65_536 },
      sectorBytes: 512,
      sharedVolume: null,
      isOfVm: false,
      occupiedBy: null,
      paths: { home: join(folder, hosts.vmId) },
    });
    await mkdir(join(folder, hosts.vmId), { recursive: true });
    const taken = await driver.inspect(asked({ folder }));
    expect(taken.place).toMatchObject({ occupiedBy: { known: true, value: join(folder, hosts.vmId) } });
    expect(await driver.inspect(asked({ folder: hosts.pathOn('source') }))).toMatchObject({
      place: { isOfVm: { known: true, value: true } },
    });
    const outside = await driver.inspect(asked({ folder: '/' }));
    expect(outside.place).toMatchObject({ allowed: false, why: expect.stringContaining('outside') as string });
  });

  test('of a folder are the sectors of the disk that its volume is on', async () => {
    const root = hosts.pathOn('source');
    const { driver } = await open({ volumes: [{ root, sizeBytes: 1024 ** 4, sectorBytes: 4096 }] });
    const { place } = await driver.inspect(asked({ folder: join(root, 'elsewhere') }));
    expect(place).toMatchObject({ allowed: true, sectorBytes: { known: true, value: 4096 } });
  });

  test('of a processor shows what a guest may use that another host does not have', async () => {
    const { driver } = await open();
    const guest = (await driver.inspect(asked())).vm?.processor;
    await host?.close();
    const lesser = await open({ processor: { maker: 'GenuineIntel', features: ['sse4.2'] } }, 'destination');
    const other = (await lesser.driver.inspect(asked())).host.processor;
    if (guest?.known !== true || !other.known) throw new Error('a processor is not told');
    expect(missingFrom(guest.value, guest.value)).toEqual([]);
    expect(missingFrom(other.value, guest.value)).toEqual(['compatibility vector 7']);
  });

  test('of a role of a cluster is the node that owns it and the shared volume that it lies on', async () => {
    const site = new FabricSite();
    await site.make('shared');
    const clustered = await standInOver(site.a, join(site.folder, 'a'));
    try {
      const ofSite = { ...asked(), vmId: site.vmId, folder: join(site.folder, 'fabric', 'volumes', 'csv1', 'new') };
      const told = await clustered.driver.inspect(ofSite);
      const expected = await site.a.inspect(ofSite);
      // A shared volume has no partition that a node sees.
      expect(told.place).toMatchObject({ sharedVolume: { value: 'csv1' }, sectorBytes: { known: false } });
      const { cluster, changeTracking } = told.host;
      expect({ cluster, changeTracking }).toEqual({
        cluster: expected.host.cluster,
        changeTracking: expected.host.changeTracking,
      });
      expect(told.vm?.role).toEqual({ known: true, value: { clusterName: 'c1', owner: 'host-a' } });
      expect(told.vm?.storage).toEqual({ known: true, value: { type: 'shared-volume', name: 'csv1' } });
      expect(told.vm?.roleResources).toEqual({ known: true, value: [] });
      const held = { known: true, value: ['Network Name web'] };
      await site.setRole({ otherResources: held.value });
      expect((await clustered.driver.inspect(ofSite)).vm?.roleResources).toEqual(held);
      expect((await site.a.inspect(ofSite)).vm?.roleResources).toEqual(held);
    } finally {
      await clustered.close();
      await site.close();
    }
  });

  test('of LUNs is which the SAN shows, who has them, and that all of a VM is on one; each host tells for itself', async () => {
    const site = new FabricSite();
    await site.make('lun');
    const opened = [await standInOver(site.a, site.hostFolder('a')), await standInOver(site.b, site.hostFolder('b'))];
    try {
      const ofSite = { ...asked(), vmId: site.vmId };
      const [a, b] = await Promise.all(opened.map(({ driver }) => driver.inspect(ofSite)));
      const lun = { name: 'lun1', reservedBy: null };
      expect(a?.host.luns).toEqual({ known: true, value: [{ ...lun, host: 'host-a' }] });
      expect(b?.host.luns).toEqual({ known: true, value: [{ ...lun, host: null }] });
      expect(a?.vm?.storage).toEqual({ known: true, value: { type: 'lun', name: 'lun1' } });
    } finally {
      for (const one of opened) await one.close();
      await site.close();
    }
  });

  test('does not say that the VM is not there where the workers that look for it die: the host does not answer then', async () => {
    const { driver, service } = await open();
    service.strike = (command) => (command === 'vms' ? 'before' : undefined);
    await expect(driver.inspect(asked())).rejects.toThrow('HyperVSilent');
    service.strike = () => undefined;
    expect((await driver.inspect(asked())).vm).not.toBeNull();
  });

  test('is not known, with the reason, where the host cannot tell, and the rest is told all the same', async () => {
    const { driver } = await open({ cannotTell: ['host.guardians', 'vm.security'] });
    const { host: ofHost, vm } = await driver.inspect(asked());
    const because = { known: false, why: expect.stringContaining('this host cannot tell') as string };
    expect([ofHost.guardians, vm?.security]).toEqual([because, because]);
    expect([ofHost.attestedBy, vm?.isReplicated]).toMatchObject([{ known: true }, { known: true, value: true }]);
  });
});
