import { describeThrown, type Outcome } from '../../contracts/failure';
import type { AgentConfig } from '../config';
import { critical, skipped, type Verdict } from './check';
import { checks } from './checks';
import type { DoctorParts } from './parts';
import { Surroundings } from './surroundings';

/** On which Hyper-V awaits live migrations (Microsoft: Live Migration Overview). */
export const liveMigrationTcpPort = 6600;

export type Finding = { readonly id: string; readonly looksAt: string } & Verdict;

export type DoctorReport = {
  /** Whether nothing critical was found: the agent can do its work. */
  readonly ok: boolean;
  readonly criticalCount: number;
  readonly warningCount: number;
  readonly findings: readonly Finding[];
};

const configurationCheck = {
  id: 'configuration',
  looksAt: 'the configuration file can be read, and says what the agent needs',
};

/**
 * Looks at everything that a first day gets wrong, and answers all of it at once. Changes nothing but what it removes again. A configuration
 * that cannot be used is a finding, and all else is skipped then.
 */
export async function examine(config: Outcome<AgentConfig>, parts: Omit<DoctorParts, 'config'>): Promise<DoctorReport> {
  if (!config.ok) {
    const { message, remedy } = config.failure;
    const others = checks.map(({ id, looksAt }) => ({ id, looksAt, ...skipped('the configuration cannot be used') }));
    return reportOf([{ ...configurationCheck, ...critical(message, remedy ?? 'Correct the file.') }, ...others]);
  }
  const see = new Surroundings({ ...parts, config: config.value });
  const findings: Finding[] = [{ ...configurationCheck, type: 'fine', message: `host ${config.value.hostId}` }];
  for (const { id, looksAt, look } of checks)
    for (const verdict of await verdictsOf(() => look(see))) findings.push({ id, looksAt, ...verdict });
  return reportOf(findings);
}

/** A check that fails to look is a finding, and hides no other. */
async function verdictsOf(look: () => Promise<readonly Verdict[] | Verdict>): Promise<readonly Verdict[]> {
  try {
    const given = await look();
    return 'type' in given ? [given] : given;
  } catch (thrown) {
    return [
      critical(`the check itself failed: ${describeThrown(thrown)}`, 'Report this as a bug, with what is told here.'),
    ];
  }
}

function reportOf(findings: readonly Finding[]): DoctorReport {
  const count = (severity: 'critical' | 'warning') =>
    findings.filter((one) => one.type === 'wrong' && one.severity === severity).length;
  const criticalCount = count('critical');
  return { ok: criticalCount === 0, criticalCount, warningCount: count('warning'), findings };
}
