import type { CallValue } from '../../hyperv/powershell/calls/definitions';
import { classify } from '../../hyperv/powershell/worker/classify';
import { fine, skipped, warning, type Check, type Verdict } from '../check';

type Facts = Extract<CallValue<'read-doctor'>['firewall'], { known: true }>['value'];

/** What decides whether the firewall admits peers to the byte route. */
export type FirewallCase = {
  readonly firewall: Facts;
  /** Whether the agent makes the rule itself, and whether it runs now. */
  readonly ownRule: boolean;
  readonly agentRuns: boolean;
  /** Of the byte route; 0 is another at each start. */
  readonly port: number;
};

const names = (profiles: Facts['profiles']): string => profiles.map(({ name }) => name).join(', ');
const portOf = (port: number): string => (port === 0 ? 'the port of the byte route' : `TCP ${port}`);

/** Microsoft: Get-NetFirewallProfile (AllowInboundRules, AllowLocalFirewallRules), Windows Firewall rules (rule merging). */
export function judgeFirewall({ firewall, ownRule, agentRuns, port }: FirewallCase): Verdict {
  const on = firewall.profiles.filter(({ enabled }) => enabled);
  if (on.length === 0) return fine('it is off');
  const closed = on.filter(({ inboundRules }) => !inboundRules);
  if (closed.length > 0)
    return warning(
      `the firewall blocks all that comes in, whatever rules say (profile ${names(closed)})`,
      `Set-NetFirewallProfile -Name ${closed[0]?.name ?? 'Domain'} -AllowInboundRules True, or change the group policy that says so.`,
    );
  const policed = on.filter(({ localRulesCount }) => !localRulesCount);
  if (policed.length > 0)
    return warning(
      `a group policy lets no rule of this host count (profile ${names(policed)}), that of the agent neither`,
      `Give byteRoute.port a number, and have the group policy admit it in TCP for the agent's program${port === 0 ? '' : ` (it is ${port} now)`}.`,
    );
  if (!ownRule)
    return port === 0
      ? warning(
          'driver.firewallRule is false and byteRoute.port is 0: no rule can admit a port that is another at each start',
          'Give byteRoute.port a number and admit it in TCP, or leave driver.firewallRule out.',
        )
      : fine(`on; you admit TCP ${port} yourself (driver.firewallRule is false)`);
  if (agentRuns && firewall.rules === 0)
    return warning(
      `the agent runs, and its rule for ${portOf(port)} is not there`,
      'Look in its log for "the rule of the firewall could not be made"; it needs Administrators. Start it again when that is mended.',
    );
  return fine(agentRuns ? `on, with the rule of the agent` : `on; the agent makes its rule when it starts`);
}

export const firewall: Check = {
  id: 'firewall',
  looksAt: 'the firewall of this host admits peers to the byte route, or will when the agent runs',
  async look(see): Promise<Verdict> {
    const look = await see.hyperV();
    if (look.type === 'not-used') return skipped('the driver is simulated');
    if (look.type !== 'answers') return skipped('the worker does not start (hyper-v-module)');
    const { driver, byteRoute } = see.parts.config;
    const told = look.doctor.firewall;
    if (!told.known)
      return warning(
        `the firewall of this host is not told: ${classify(told.error, false).message}`,
        'Look at Get-NetFirewallProfile -PolicyStore ActiveStore.',
      );
    const folder = await see.stateFolder();
    return judgeFirewall({
      firewall: told.value,
      ownRule: driver.type === 'powershell' && driver.firewallRule,
      agentRuns: folder.type === 'usable' && folder.isTaken,
      port: byteRoute.port,
    });
  },
};
