import type { HyperVDriver } from '../../../agent/hyperv/driver';

/** Ends a case that needs what is not there. The report tells it as not run, with this reason. */
export class CaseNeeds extends Error {
  override readonly name = 'CaseNeeds';
}

/** How a failed case of Jest begins that needed what is not there. */
export const needsPattern = /^CaseNeeds: ([^\n]+)/m;

const lackHost = (): never => {
  throw new CaseNeeds('it needs a second host');
};
const lackGuest = (): never => {
  throw new CaseNeeds('it needs a guest that answers (--disk)');
};

/** In the place of a second host, where there is one alone. */
export const noOtherHost: HyperVDriver = {
  name: 'powershell',
  host: lackHost,
  vms: lackHost,
  vm: lackHost,
  inspect: lackHost,
  perform: lackHost,
  locateForReading: lackHost,
  locateForWriting: lackHost,
  locateSeed: lackHost,
  leftovers: lackHost,
  close: () => Promise.resolve(),
};

/** A driver of VMs in which no guest ever answers. */
export const withoutGuest = (driver: HyperVDriver): HyperVDriver => ({
  name: driver.name,
  host: () => driver.host(),
  vms: () => driver.vms(),
  vm: (vmId) => driver.vm(vmId),
  inspect: (request) => driver.inspect(request),
  perform: async (kind, context, input) => {
    const isLookedFor = kind === 'await-heartbeat' && (await driver.vm(input.vmId)) !== undefined;
    return isLookedFor ? lackGuest() : driver.perform(kind, context, input);
  },
  locateForReading: (run, vmId, subject) => driver.locateForReading(run, vmId, subject),
  locateForWriting: (run, vmId, folder, subject) => driver.locateForWriting(run, vmId, folder, subject),
  locateSeed: (...asked) => driver.locateSeed(...asked),
  leftovers: (run) => driver.leftovers(run),
  close: () => driver.close(),
});
