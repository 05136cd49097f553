import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { transcriptEntry } from '../../agent/hyperv/powershell/worker/transcript';
import { openSimulatedDriver } from '../../agent/hyperv/simulated';
import type { HyperVDriver } from '../../agent/hyperv/driver';
import { valueOf } from '../conformance/hyperv-move';
import { until } from '../../relay/testing/support';
import { SmallSite, source } from '../agent/small-site';
import { describeWithEngine } from './engine';
import { StandInHyperV } from './stand-in/commands';
import { modulesFolder, workerEnvironment } from './stand-in/host';
import { StandInService } from './stand-in/service';

// Real processes, on a machine that may be busy with others.
jest.setTimeout(180_000);

describeWithEngine('an agent process with the PowerShell driver, through a relay', () => {
  let site: SmallSite;
  let simulated: HyperVDriver;
  let hyperV: StandInHyperV;
  let service: StandInService;

  beforeEach(async () => {
    site = await SmallSite.make();
    const folder = join(site.folder, `host-${source}`);
    simulated = valueOf(await openSimulatedDriver({ folder }));
    hyperV = new StandInHyperV(simulated, folder);
    service = new StandInService(hyperV);
    await service.listen();
  });
  afterEach(async () => {
    await site.close();
    await service.close();
    await simulated.close();
  });

  const config = (driver: object) => ({
    ...site.configOf(source),
    driver: { type: 'powershell', roots: [site.folderOn(source)], ...driver },
  });

  test('tells of its host and its VMs, carries out an operation, and is found again after a kill', async () => {
    const { app, vmId } = site;
    let agent = await site.launch(config({}), workerEnvironment(service));
    await agent.ready;
    const told = await simulated.host();
    expect(await app.host(source)).toMatchObject({
      hostId: source,
      driver: 'powershell',
      memoryBytes: told.memoryBytes,
      switches: told.switches,
      volumes: [{ root: site.folderOn(source), reservedBytes: 0 }],
    });
    expect(await app.vms(source)).toMatchObject([{ vmId, name: 'web', state: 'running' }]);
    await app.done(source, 'reserve-vm', { vmId });
    expect((await hyperV.vms())[0]?.notes).toBe(`[hyperferry reserved=${app.run}]`);
    expect(await app.operate(source, 'detach-lun', { vmId, lun: 'x' })).toMatchObject({
      ok: false,
      failure: { code: 'LunMissing', effect: 'none' },
    });
    const ruleFor = async (port: number) => {
      await until(
        'the firewall admits peers',
        () => hyperV.firewallRules.some((rule) => rule.port === String(port)),
        60_000,
      );
      return {
        name: `hyperferry-byte-route-${source}`,
        direction: 'Inbound',
        protocol: 'TCP',
        program: process.execPath,
      };
    };
    expect(hyperV.firewallRules).toMatchObject([await ruleFor((await agent.ready).byteRoutePort)]);
    await agent.kill();
    expect(hyperV.firewallRules).toHaveLength(1);
    agent = await site.launch(config({}), workerEnvironment(service));
    expect(hyperV.firewallRules).toMatchObject([await ruleFor((await agent.ready).byteRoutePort)]);
    expect(await app.leftovers(source)).toMatchObject([{ what: 'reservation', runId: app.run }]);
    await app.done(source, 'release', { vmId });
    expect(await app.leftovers(source)).toEqual([]);
    expect((await hyperV.vms())[0]?.notes).toBe('');
    expect(await agent.end()).toBe(0);
    expect(hyperV.firewallRules).toEqual([]);
    expect(agent.lines.filter((line) => line.includes('"level":"error"'))).toEqual([]);
    const lines = await readFile(join(site.folder, `state-${source}`, 'hyper-v-transcript.jsonl'), 'utf8');
    const calls = lines
      .trimEnd()
      .split('\n')
      .map((line) => transcriptEntry.parse(JSON.parse(line)).call);
    expect(calls).toEqual(expect.arrayContaining(['read-host', 'read-vms', 'set-notes']));
  });

  test('without the Hyper-V module it starts, says what is wrong, and answers each question with that', async () => {
    const agent = await site.launch(config({ transcriptBytesMax: 0, firewallRule: false }), {
      PSModulePath: join(modulesFolder, 'none'),
    });
    await agent.ready;
    await expect(site.app.vms(source)).rejects.toThrow('HyperVSilent');
    await until('the log says so', () => agent.logged('Hyper-V cannot be asked'));
    expect(agent.logged('hyperferry agent doctor')).toBe(true);
    expect(await agent.end()).toBe(0);
    expect(existsSync(join(site.folder, `state-${source}`, 'hyper-v-transcript.jsonl'))).toBe(false);
  });

  test('with a PowerShell that is not there likewise, and the program is named', async () => {
    const agent = await site.launch(config({ engine: '/no/such/pwsh' }));
    await agent.ready;
    await expect(site.app.vms(source)).rejects.toThrow('/no/such/pwsh');
    expect(await agent.end()).toBe(0);
  });
});
