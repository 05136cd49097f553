import { release } from '../release';
import { reserveRoom } from '../reserve-room';
import { reserveVm } from '../reserve-vm';
import type { TableOf } from './entry';

import type { reservationOperations } from '../../../../../contracts/operations/reservation';

export const reservationTable: TableOf<keyof typeof reservationOperations> = {
  'reserve-vm': { handler: reserveVm, scope: 'vm' },
  'reserve-room': { handler: reserveRoom, scope: 'room' },
  release: { handler: release, scope: 'both' },
};
