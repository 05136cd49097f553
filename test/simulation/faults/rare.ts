import type { AcceptedRequest } from '../../../contracts/migration';
import { done, type FileFate } from '../platform/file-fates';
import { outside } from '../platform/program';
import { operationsLog } from '../oracles/operation-logs';
import type { FaultKind, FaultSetting } from './fault';

const lookMs = 30;
/** A run that is told to stop unwinds within this, or it does not. */
const unwindsWithinMs = 60_000;
const recordsMax = 12;
/** As much as is read at once of what a disk holds; its tables, and what a guest looks at, are read in less. */
const contentBytes = 1024 * 1024;
const contentReadsMax = 10;
const copies: ReadonlySet<string> = new Set([
  'copy',
  'copy-base',
  'copy-rest',
  'pre-copy',
  'catch-up',
  'last-round',
  'verify',
]);

/** Whether all that a move brings over is read a second time and compared before its pivot. */
const verifiesAll = ({ policy }: AcceptedRequest): boolean => 'verify' in policy && policy.verify === 'all';

/** Where the files of a move's VM are, or are being written. */
const isOfMove = ({ id, vmId }: AcceptedRequest, path: string): boolean =>
  path.includes(vmId) || path.includes(`/moved-${id}/`);

const isCopying = ({ reportOf }: FaultSetting, move: number): boolean => {
  const report = reportOf(move);
  return report?.unwinding === false && copies.has(report.phase ?? '');
};

/** What hardly ever happens by the faults that strike at any time, and must. */
export const rareFaults: readonly FaultKind[] = [
  {
    name: 'silent-in-an-undo',
    weight: 3,
    // Longer than an undo is tried for here (patience.ts).
    forMs: [170_000, 280_000],
    strike: ({ move, forMs }, { site, cancel, reportOf, requests }) => {
      cancel(move);
      const host = requests[move]?.sourceHost;
      const untilMs = site.loop.nowMs + unwindsWithinMs;
      const look = (): void => {
        if (host === undefined || site.loop.nowMs > untilMs) return;
        if (reportOf(move)?.unwinding !== true) {
          site.loop.schedule(lookMs, look, outside);
          return;
        }
        if (!site.machine(host).hasPower) return;
        site.network.cutOff.add(host);
        const back = (): void => {
          if (site.machine(host).hasPower) site.network.cutOff.delete(host);
        };
        site.loop.schedule(forMs, back, outside);
      };
      look();
    },
  },
  {
    name: 'power-lost-in-a-record',
    weight: 1,
    forMs: [5_000, 60_000],
    // A record of the operation log is written and about to be flushed: each of its sectors is kept or not.
    strike: ({ machine, nth, forMs }, { site, mark }) => {
      const files = site.machine(machine).fileFaults;
      let left = 1 + (nth % recordsMax);
      const strike = ({ kind, path }: { readonly kind: string; readonly path: string }): FileFate => {
        if (kind !== 'sync' || path !== operationsLog || --left > 0) return done;
        files.delete(strike);
        mark('power lost in the middle of a change');
        site.loop.schedule(0, () => site.machine(machine).losePower(forMs, 0.5), outside);
        return { kind: 'dies' };
      };
      files.add(strike);
    },
  },
  {
    name: 'a-damaged-read',
    weight: 2,
    forMs: [0, 0],
    /**
     * One bit of what a disk holds is read as another, once, while a move copies it or compares it. Every digest of the copy may agree with what
     * was read, so only a move that reads all of it a second time promises to notice; a hypervisor that moves a disk itself promises nothing.
     */
    strike: ({ nth }, setting) => {
      const { site, requests, draw, mark } = setting;
      const move = requests.findIndex(verifiesAll);
      const request = requests[move];
      if (request === undefined) return;
      let left = 1 + (nth % contentReadsMax);
      const bit = draw.between(0, contentBytes * 8 - 1);
      for (const { fileFaults } of site.machines.values()) {
        const strike: Parameters<typeof fileFaults.add>[0] = ({ kind, path, lengthBytes }) => {
          const fits = kind === 'read' && lengthBytes === contentBytes && isOfMove(request, path);
          if (!fits || !isCopying(setting, move) || --left !== 0) return done;
          mark('a read damaged');
          return { kind: 'damaged', bit };
        };
        fileFaults.add(strike);
      }
    },
  },
];
