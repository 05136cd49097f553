import { failed, succeeded, type Outcome } from '../../../../contracts/failure';
import type { VmId } from '../../../../contracts/ids';
import { refuse } from '../../refuse';
import type { RealHost } from '../host';
import { classify } from '../worker/classify';

/** Whether this host makes one more move at once. A VM that goes to another host with its files takes a slot of either kind. */
export async function checkSlots(
  { client }: RealHost,
  vmId: VmId,
  how: 'live' | 'whole' | 'storage',
): Promise<Outcome<void>> {
  const inspected = await client.call('inspect-host', { Folder: '' }, { vmId });
  if (!inspected.ok) return inspected;
  const { liveMigration } = inspected.value;
  if (!liveMigration.known) return failed(classify(liveMigration.error, false, { vmId }));
  const { enabled, slots, storageSlots } = liveMigration.value;
  if (how !== 'storage' && !enabled)
    return refuse('MigrationDisabled', vmId, 'Live migration is not enabled on this host.');
  for (const { max, used } of [...(how === 'storage' ? [] : [slots]), ...(how === 'live' ? [] : [storageSlots])])
    if (used >= max) {
      const { failure } = refuse('MigrationLimitReached', vmId, `This host moves ${used} VMs already, of ${max}.`);
      return failed({ ...failure, retry: 'transient' });
    }
  return succeeded(undefined);
}
