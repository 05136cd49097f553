import { describeWithEngine } from '../powershell/engine';
import { SharedWorkers } from '../powershell/stand-in/host';
import { FabricSite, hostA, hostB } from '../simulated/fabric-site';
import { describeHypervisorMoves } from './hyperv-hypervisor-moves';
import { describeLuns } from './hyperv-luns';
import { describeRoleChanges, type RoleHostsFor } from './hyperv-role-changes';
import { describeRoles } from './hyperv-roles';

// Each operation is some calls of a PowerShell, on a machine that may be busy with others.
jest.setTimeout(300_000);

const placesOf = (site: FabricSite) => ({
  hostB,
  vmId: site.vmId,
  elsewhereOnA: site.pathOn('a', 'elsewhere'),
  folderOnB: site.pathOn('b', 'elsewhere'),
  site,
});

describe('moves by the hypervisor', () => {
  let site: FabricSite | undefined;
  const closeSite = async (): Promise<void> => {
    await site?.close();
    site = undefined;
  };
  const made = async (...parts: Parameters<RoleHostsFor>): Promise<FabricSite> => {
    site = new FabricSite();
    await site.make(...parts);
    return site;
  };

  describe('of simulated hosts', () => {
    afterEach(closeSite);
    const hostsFor: RoleHostsFor = async (...parts) => {
      const ofSite = await made(...parts);
      return { ...placesOf(ofSite), a: ofSite.a, b: ofSite.b };
    };
    describeHypervisorMoves('the simulated driver', hostsFor);
    describeRoles('the simulated driver', hostsFor);
    describeRoleChanges('the simulated driver', hostsFor);
    describeLuns('the simulated driver', hostsFor);
  });

  describeWithEngine('of hosts with the PowerShell driver', () => {
    const workers = { a: new SharedWorkers(), b: new SharedWorkers() };
    afterEach(async () => {
      const torn = Object.values(workers).flatMap((one) => one.torn());
      for (const one of Object.values(workers)) await one.idle();
      await closeSite();
      // Nothing but the drivers keeps two hosts from writing to one LUN.
      expect(torn).toEqual([]);
    });
    afterAll(async () => {
      for (const one of Object.values(workers)) await one.close();
    });

    const hostsFor: RoleHostsFor = async (...parts) => {
      const ofSite = await made(...parts);
      const a = await workers.a.over(ofSite.a, ofSite.hostFolder('a'));
      const b = await workers.b.over(ofSite.b, ofSite.hostFolder('b'));
      const { hyperV } = workers.a.service;
      hyperV.moves.peers = new Map([[hostB, workers.b.service.hyperV]]);
      workers.b.service.hyperV.moves.peers = new Map([[hostA, hyperV]]);
      const hold = (): (() => void) => {
        const gate = Promise.withResolvers<undefined>();
        hyperV.moves.gate = gate.promise;
        return () => {
          gate.resolve(undefined);
        };
      };
      return { ...placesOf(ofSite), a, b, hold };
    };
    describeHypervisorMoves('the PowerShell driver over the stand-in', hostsFor);
    describeRoles('the PowerShell driver over the stand-in', hostsFor);
    describeRoleChanges('the PowerShell driver over the stand-in', hostsFor);
    describeLuns('the PowerShell driver over the stand-in', hostsFor);
  });
});
