import { awaitHeartbeat } from '../await-heartbeat';
import { fenceVm, unfenceVm } from '../fence-vm';
import { retireVm } from '../retire-vm';
import { resumeVm, saveVm, shutDownVm } from '../save-vm';
import { startVm } from '../start-vm';
import type { TableOf } from './entry';

import type { powerOperations } from '../../../../../contracts/operations/power';

export const powerTable: TableOf<keyof typeof powerOperations> = {
  'save-vm': { handler: saveVm, scope: 'vm' },
  'shut-down-vm': { handler: shutDownVm, scope: 'vm' },
  'resume-vm': { handler: resumeVm, scope: 'vm' },
  'fence-vm': { handler: fenceVm, scope: 'vm' },
  'unfence-vm': { handler: unfenceVm, scope: 'vm' },
  'start-vm': { handler: startVm, scope: 'both' },
  'await-heartbeat': { handler: awaitHeartbeat, scope: 'nothing' },
  'retire-vm': { handler: retireVm, scope: 'vm' },
};
