import { notKnown, type Fact, type InspectionRequest } from '../../../../contracts/inspection';
import type { DriverInspection } from '../../driver';
import type { SimulatedHost } from '../host';
import { inspectHost, inspectPresence } from './host';
import { inspectImport, inspectPlace } from './place';
import { inspectVm } from './vm';

/** All that preflight asks of this host. What `cannotTell` of host.json names is left to say that it is not known. */
export async function inspect(host: SimulatedHost, request: InspectionRequest): Promise<DriverInspection> {
  const { vmId, folder } = request;
  const registered = request.describesVm ? host.state.vm(vmId) : undefined;
  const imports = request.imports === null ? null : await inspectImport(host, request.runId, request.imports);
  const importedName = imports?.found === true ? imports.vmName : null;
  const vmName = request.vmName ?? registered?.name ?? importedName;
  const place = folder === null ? null : await inspectPlace(host, request, folder, vmName);
  const tells = <T extends Tellable>(area: string, facts: T): T => withheld(host.record.cannotTell, area, facts);
  return {
    host: tells('host', await inspectHost(host, vmId)),
    presence: tells('there', inspectPresence(host, request, vmName)),
    vm: registered === undefined ? null : tells('vm', await inspectVm(host, request.runId, registered)),
    place: place === null || !place.allowed ? place : { allowed: true, ...tells('place', withoutTag(place)) },
    imports,
  };
}

type Tellable = Readonly<Record<string, Fact<unknown>>>;

function withheld<T extends Tellable>(cannotTell: readonly string[], area: string, facts: T): T {
  const told = Object.entries(facts).map(([name, fact]) => {
    const isWithheld = cannotTell.includes(`${area}.${name}`);
    return [name, isWithheld ? notKnown('this host cannot tell') : fact];
  });
  // The same names with the same facts, some of them not known, which every fact may be.
  return Object.fromEntries(told) as T;
}

const withoutTag = <T extends { readonly allowed: true }>({ allowed: _allowed, ...facts }: T): Omit<T, 'allowed'> =>
  facts;
