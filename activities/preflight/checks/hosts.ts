import { clockSkewMsMax } from '../../../contracts/limits';
import { check } from '../check';
import { everyKind, moves, toOtherHost } from './applies';

/** The version of the contract between app and agent that this app speaks. */
const contractOfApp = 1;

const away = (host: string, failure: { readonly code: string; readonly message: string } | null) =>
  failure === null
    ? undefined
    : failure.code === 'NotFound'
      ? {
          message: `The agent of ${host} knows no preflight: ${failure.message}`,
          remedy: 'Update the agent of that host to the version of this app.',
          code: 'PreflightFailed' as const,
        }
      : { message: `${host} does not answer: ${failure.message} (${failure.code})` };

const answers = {
  severity: 'critical',
  code: 'RelayUnreachable',
  mayPass: true,
  finds: 'The agent of the host does not answer, so nothing is known of it.',
  remedy: 'Start the agent of that host; check its way out to the relay, and its clock.',
  source: 'hyperferry: protocol, "Routes"',
} as const;

export const hostChecks = [
  check({
    ...answers,
    id: 'source-answers',
    kinds: everyKind,
    looksAt: ['source.answer'],
    look: (see, request) => away(request.sourceHost, see['source.answer']),
  }),
  check({
    ...answers,
    id: 'destination-answers',
    kinds: moves,
    scenario: toOtherHost,
    looksAt: ['destination.answer'],
    look: (see) => away('The destination host', see['destination.answer']),
  }),
  check({
    id: 'agent-contract',
    severity: 'critical',
    code: 'PreflightFailed',
    kinds: everyKind,
    looksAt: ['source.agent', 'destination.agent'],
    finds: 'An agent speaks another version of the contract than this app.',
    remedy: 'Update the agent, or the app, so that both speak the same version.',
    source: 'hyperferry: protocol, "Compatibility"',
    look(see) {
      const other = [see['source.agent'], see['destination.agent']].find(({ contract }) => contract !== contractOfApp);
      return other && { message: `An agent speaks contract ${other.contract}; this app speaks ${contractOfApp}.` };
    },
  }),
  check({
    id: 'agent-versions',
    severity: 'warning',
    code: 'PreflightFailed',
    kinds: moves,
    scenario: toOtherHost,
    looksAt: ['source.agent', 'destination.agent'],
    finds: 'The agents of the two hosts are of different versions.',
    remedy: 'Update the older agent before a long migration.',
    source: 'hyperferry: protocol, "Compatibility"',
    look(see) {
      const [from, to] = [see['source.agent'].version, see['destination.agent'].version];
      return from === to
        ? undefined
        : { message: `The agents are of versions ${from} (source) and ${to} (destination).` };
    },
  }),
  check({
    id: 'clock-skew',
    severity: 'critical',
    code: 'Unauthorized',
    kinds: moves,
    scenario: toOtherHost,
    looksAt: ['source.clock', 'destination.clock'],
    finds: 'The clocks of the hosts differ by more than tickets of the byte route and Kerberos allow.',
    remedy: 'Set the clocks of both hosts by one time source (w32tm /resync).',
    source: 'Microsoft: Maximum tolerance for computer clock synchronization; hyperferry: protocol, "Signatures"',
    look: (see) => apart(see['source.clock'], see['destination.clock'], clockSkewMsMax),
  }),
  check({
    id: 'clock-drift',
    severity: 'warning',
    code: 'Unauthorized',
    kinds: moves,
    scenario: toOtherHost,
    looksAt: ['source.clock', 'destination.clock'],
    finds: 'The clocks of the hosts differ by more than a minute, so that times in logs and receipts mislead.',
    remedy: 'Set the clocks of both hosts by one time source (w32tm /resync).',
    source: 'Microsoft: Windows Time service tools and settings',
    look(see) {
      const [one, other] = [see['source.clock'], see['destination.clock']];
      return apart(one, other, clockSkewMsMax) === undefined ? apart(one, other, 60_000) : undefined;
    },
  }),
];

type Clock = { readonly aheadMs: number; readonly uncertainMs: number };

/** Whether two clocks are surely more than `apartMsMax` apart. */
function apart(source: Clock, destination: Clock, apartMsMax: number) {
  const apartMs = Math.abs(source.aheadMs - destination.aheadMs);
  if (apartMs - source.uncertainMs - destination.uncertainMs <= apartMsMax) return undefined;
  const seconds = (ms: number): string => `${Math.round(ms / 1000)} s`;
  return { message: `The clocks of the hosts are ${seconds(apartMs)} apart; at most ${seconds(apartMsMax)} are fit.` };
}
