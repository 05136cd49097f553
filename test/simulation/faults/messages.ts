import { outside } from '../platform/program';
import type { Call, Passage } from '../platform/relay-service';
import type { Fault, FaultKind, FaultSetting } from './fault';

type Target = Pick<Call, 'host' | 'method'>;

/** Requests are genuine for five minutes; one may be on its way for long. */
const longestMs = 110_000;

/** Later than any attempt that follows on a silence; a request is genuine for five minutes. */
const overtakenMs = 120_000;
/** How operations are started; within so many of them one is struck. */
const start = 'PUT';
const startsMax = 6;
/** The agent has done by then what it was asked for, unless that is long. */
const cancelAfterMs = 500;

const calm: Passage = { requestDelayMs: 1, replyDelayMs: 1, lost: 'nothing', againAfterMs: null };

/** For a while some of the calls to a machine fare otherwise. */
function tamper(
  { machine, forMs, share }: Fault,
  { site, draw, mark }: FaultSetting,
  passage: () => Passage,
  name: string,
): void {
  const meddle = ({ host }: Target): Passage | undefined => {
    if (host !== machine || draw.fraction() > 0.2 + share * 0.8) return undefined;
    mark(name);
    return passage();
  };
  site.relayFaults.add(meddle);
  site.loop.schedule(forMs, () => site.relayFaults.delete(meddle));
}

export const messageFaults: readonly FaultKind[] = [
  {
    name: 'requests-lost',
    weight: 3,
    forMs: [1_000, 40_000],
    strike: (fault, setting) => tamper(fault, setting, () => ({ ...calm, lost: 'request' }), 'a request lost'),
  },
  {
    name: 'replies-lost',
    weight: 4,
    forMs: [1_000, 40_000],
    strike: (fault, setting) =>
      tamper(
        fault,
        setting,
        () => {
          setting.replyLost(fault.machine);
          return { ...calm, lost: 'reply' };
        },
        'a reply lost',
      ),
  },
  {
    name: 'reply-lost-before-a-cancel',
    weight: 2,
    forMs: [0, 0],
    // What the run asked for was done, and the run is told to stop before it knows.
    strike: ({ machine, nth, move }, { site, mark, replyLost, cancel }) => {
      let left = 1 + (nth % startsMax);
      const meddle = ({ host, method }: Target): Passage | undefined => {
        if (host !== machine || method !== start || --left > 0) return undefined;
        site.relayFaults.delete(meddle);
        mark('a reply lost');
        replyLost(machine);
        site.loop.schedule(cancelAfterMs, () => cancel(move), outside);
        return { ...calm, lost: 'reply' };
      };
      site.relayFaults.add(meddle);
    },
  },
  {
    name: 'messages-late',
    weight: 2,
    forMs: [2_000, 60_000],
    strike: (fault, setting) =>
      tamper(
        fault,
        setting,
        // So different that later calls overtake earlier ones.
        () => ({
          ...calm,
          requestDelayMs: setting.draw.between(0, longestMs),
          replyDelayMs: setting.draw.between(0, 20_000),
        }),
        'messages late and out of order',
      ),
  },
  {
    name: 'a-request-overtaken',
    weight: 3,
    forMs: [62_000, 75_000],
    // One request is so late that its run has given the attempt up by then, since nobody answered, and has begun another.
    strike: ({ machine, nth, forMs }, { site, mark }) => {
      let left = 1 + (nth % startsMax);
      const silence = ({ host }: Target): Passage | undefined =>
        host === machine ? { ...calm, lost: 'request' } : undefined;
      const meddle = ({ host, method }: Target): Passage | undefined => {
        if (host !== machine || method !== start || --left > 0) return undefined;
        site.relayFaults.delete(meddle);
        site.relayFaults.add(silence);
        site.loop.schedule(forMs, () => site.relayFaults.delete(silence), outside);
        mark('a request overtaken');
        site.arrivesUntilMs = site.loop.nowMs + overtakenMs + 100;
        return { ...calm, requestDelayMs: overtakenMs };
      };
      site.relayFaults.add(meddle);
    },
  },
  {
    name: 'messages-twice',
    weight: 2,
    forMs: [5_000, 60_000],
    strike: (fault, setting) =>
      tamper(fault, setting, () => ({ ...calm, againAfterMs: setting.draw.between(5, longestMs) }), 'a message twice'),
  },
  {
    name: 'connections-half-open',
    weight: 2,
    forMs: [0, 0],
    strike: ({ machine }, { site, mark }) => {
      for (const socket of site.network.connectionsOf(machine)) {
        mark('a connection half open');
        socket.fallSilent();
      }
    },
  },
  {
    name: 'connections-broken',
    weight: 2,
    forMs: [0, 0],
    strike: ({ machine }, { site, mark }) => {
      for (const socket of site.network.connectionsOf(machine)) {
        mark('a connection broken');
        socket.breakOff();
      }
    },
  },
  {
    name: 'machine-cut-off',
    weight: 2,
    forMs: [2_000, 150_000],
    strike: ({ machine, forMs }, { site, mark }) => {
      if (!site.machine(machine).hasPower) return;
      site.network.cutOff.add(machine);
      mark('a machine cut off');
      site.loop.schedule(forMs, () => {
        if (site.machine(machine).hasPower) site.network.cutOff.delete(machine);
      });
    },
  },
];
