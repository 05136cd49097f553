import type { Command } from 'commander';
import type { Run } from '../command';
import { registerChanges } from './changes';
import { registerCheck } from './check';
import { registerCompare } from './compare';
import { registerConvert } from './convert';
import { registerCopy } from './copy';
import { registerDigest } from './digest';
import { registerInfo } from './info';
import { registerMap } from './map';
import { registerMerge } from './merge';
import { registerProve } from './prove';
import { registerResize } from './resize';

/** `hyperferry disk …`: disk files of this machine, without any host or app. */
export function registerDisk(program: Command, run: Run): void {
  const disk = program
    .command('disk')
    .description('look at, copy, convert and merge disk files (VHD, VHDX, raw) of this machine');
  const register = [
    registerInfo,
    registerCheck,
    registerMap,
    registerDigest,
    registerCompare,
    registerChanges,
    registerProve,
    registerCopy,
    registerConvert,
    registerMerge,
    registerResize,
  ];
  register.forEach((one) => one(disk, run));
}
