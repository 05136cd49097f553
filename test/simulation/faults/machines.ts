import { outside } from '../platform/program';
import { done, type FileAct, type FileFate } from '../platform/file-fates';
import type { Fault, FaultKind, FaultSetting } from './fault';

/** Has something happen at the nth act on files that fits, from now on. */
function atNthAct(
  { machine, nth }: Fault,
  { site }: FaultSetting,
  fits: (act: FileAct) => boolean,
  strike: (act: FileAct) => FileFate,
): void {
  let left = nth;
  const files = site.machine(machine).fileFaults;
  const fault = (act: FileAct): FileFate => {
    if (!fits(act) || --left > 0) return done;
    files.delete(fault);
    return strike(act);
  };
  files.add(fault);
}

/** For a while acts on files that fit end with an error. */
function failing(
  { machine, forMs }: Fault,
  { site, mark }: FaultSetting,
  fits: (act: FileAct) => boolean,
  code: 'ENOSPC' | 'EIO',
  name: string,
): void {
  const files = site.machine(machine).fileFaults;
  const fault = (act: FileAct): FileFate => {
    if (!fits(act)) return done;
    mark(name);
    return { kind: 'error', code };
  };
  files.add(fault);
  site.loop.schedule(forMs, () => files.delete(fault));
}

/** About so many changes of files a start makes from its mark on. */
const actsOfStart = 16;

const changes = (act: FileAct): boolean => act.kind !== 'read';
const isContent = (act: FileAct): boolean => /\.a?vhdx$|\.pulled$|\.vmrs$/.test(act.path);

/** A third keeps nothing that was not flushed, a third all of it, a third some. */
const keepOf = (share: number): number => (share < 0.33 ? 0 : share > 0.66 ? 1 : 0.5);

const crashed = 'an agent killed';
const restart = (site: FaultSetting['site'], machine: string, afterMs: number): void => {
  site.loop.schedule(afterMs, () => site.machine(machine).start(), outside);
};

export const machineFaults: readonly FaultKind[] = [
  {
    name: 'agent-killed',
    weight: 4,
    forMs: [1_000, 130_000],
    strike: ({ machine, forMs }, { site, mark }) => {
      mark(crashed);
      site.machine(machine).killAgent(forMs);
    },
  },
  {
    name: 'agent-killed-in-an-act',
    weight: 8,
    // Some so long that a run gives the agent up.
    forMs: [1_000, 110_000],
    strike: (fault, setting) =>
      atNthAct(fault, setting, changes, (act) => {
        setting.mark(act.kind === 'write' ? 'an agent killed in the middle of a write' : crashed);
        restart(setting.site, fault.machine, fault.forMs);
        return { kind: 'dies' };
      }),
  },
  {
    name: 'agent-killed-in-a-start',
    weight: 3,
    forMs: [62_000, 130_000],
    // Whether the VM was started is not known until the agent is there again, and that is later than its run waits for.
    strike: (fault, setting) => {
      const { site, mark } = setting;
      const files = site.machine(fault.machine).fileFaults;
      let left: number | undefined;
      const strike = (act: FileAct): FileFate => {
        if (left === undefined && act.path.startsWith('/state/started/')) left = 1 + (fault.nth % actsOfStart);
        if (left === undefined || !changes(act) || --left > 0) return done;
        files.delete(strike);
        mark('an agent killed in a start');
        restart(site, fault.machine, fault.forMs);
        return { kind: 'dies' };
      };
      files.add(strike);
    },
  },
  {
    name: 'power-lost',
    weight: 3,
    forMs: [5_000, 200_000],
    strike: ({ machine, forMs, share }, { site, mark }) => {
      mark('power lost');
      site.machine(machine).losePower(forMs, keepOf(share));
    },
  },
  {
    name: 'power-lost-in-an-act',
    weight: 5,
    forMs: [5_000, 90_000],
    strike: (fault, setting) => {
      const { site, mark } = setting;
      atNthAct(fault, setting, changes, () => {
        mark('power lost in the middle of a change');
        // After this act has had a part of its effect.
        site.loop.schedule(0, () => site.machine(fault.machine).losePower(fault.forMs, keepOf(fault.share)), outside);
        return { kind: 'dies' };
      });
    },
  },
  {
    name: 'disk-full',
    weight: 3,
    forMs: [500, 90_000],
    strike: (fault, setting) => failing(fault, setting, (act) => act.kind === 'write', 'ENOSPC', 'a disk full'),
  },
  {
    name: 'reads-fail',
    weight: 2,
    forMs: [500, 20_000],
    strike: (fault, setting) =>
      failing(fault, setting, (act) => act.kind === 'read' && isContent(act), 'EIO', 'a read that fails'),
  },
  {
    name: 'syncs-fail',
    weight: 1,
    forMs: [100, 10_000],
    strike: (fault, setting) =>
      failing(fault, setting, (act) => act.kind === 'sync' || act.kind === 'resize', 'EIO', 'a sync that fails'),
  },
  {
    name: 'clock-off',
    weight: 2,
    forMs: [10_000, 300_000],
    strike: ({ machine, share, forMs }, { site, mark }) => {
      // Less than what signatures allow, either way.
      site.machine(machine).skewMs = Math.round((share - 0.5) * 8 * 60_000);
      mark('a clock off');
      site.loop.schedule(forMs, () => (site.machine(machine).skewMs = 0));
    },
  },
];
