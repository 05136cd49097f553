import { succeeded } from '../../../../contracts/failure';
import { has, isOpen, offerIn } from '../fabric/inbound';
import { resolveOnHost, type Handler } from '../host';
import { isAtOrBelow } from '../../paths';

export const locateVm: Handler<'locate-vm'> = async (host, _context, { vmId, folder }) => {
  const vm = host.state.vm(vmId);
  let moving = host.jobs.has(vmId);
  let handedOver = false;
  for (const found of (await host.fabric?.handovers(vmId)) ?? []) {
    const offer = await offerIn(found);
    if (offer === undefined || (offer.from !== host.fabric?.host && offer.to !== host.fabric?.host)) continue;
    if (await isOpen(found)) moving = true;
    if (offer.jobId === vm?.leaving && (await has(found, 'committed'))) handedOver = true;
  }
  const registered = vm !== undefined && !handedOver;
  const place = folder === null ? undefined : await resolveOnHost(host, folder);
  const inFolder = registered && place?.ok === true && isAtOrBelow(place.value, vm.home);
  return succeeded({ registered, state: registered ? vm.state : 'absent', moving, inFolder });
};
