import type { DriverOperationKind } from '../../../driver';
import { disksTable } from './disks';
import type { TableOf } from './entry';
import { exportsTable } from './exports';
import { lunsTable } from './luns';
import { movesTable } from './moves';
import { placeholderTable } from './placeholder';
import { powerTable } from './power';
import { preCopyTable } from './pre-copy';
import { reservationTable } from './reservation';
import { switchesTable } from './switches';
import { rolesTable } from './roles';

/** Every operation, area by area as in contracts/operations. */
export const operationTable: TableOf<DriverOperationKind> = {
  ...reservationTable,
  ...disksTable,
  ...placeholderTable,
  ...powerTable,
  ...preCopyTable,
  ...exportsTable,
  ...movesTable,
  ...rolesTable,
  ...lunsTable,
  ...switchesTable,
};
