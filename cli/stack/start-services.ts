import type { HostId } from '../../contracts/ids';
import { bad, good, type Result } from '../context';
import type { CliFailure } from '../failure';
import { choosePorts, portIsFree, type PortNeed, type Ports } from './ports';
import type { Service, StartFailure } from './service';
import { agentService, appService, blobService, portOf, relayService, routePortName, type StackPlan } from './services';
import type { Supervisor } from './supervisor';

export const startFailure = (failure: StartFailure): CliFailure => ({
  exit: 'localStack',
  title: `${failure.service} did not start: it ${failure.why}`,
  detail: failure.logTail.length === 0 ? undefined : `its last words: ${failure.logTail.join(' | ').slice(0, 1500)}`,
  remedy: 'Look into its log, in the folder "logs" of the state folder.',
});

/** One service of the start: the port whose loss a failure may be due to, and the service as the ports are then. */
type Step = { readonly port: string; readonly make: (plan: StackPlan) => Service };

/** Steps of one stage start side by side; what a later stage is told of the earlier ones is known by then. */
export const stagesOf = (hosts: readonly HostId[]): Step[][] => [
  [
    { port: 'blobs', make: blobService },
    { port: 'relay', make: relayService },
  ],
  [
    ...hosts.map((host) => ({ port: routePortName(host), make: (plan: StackPlan) => agentService(plan, host) })),
    { port: 'api', make: appService },
  ],
];

const lostPortTriesMax = 3;
const interrupted: CliFailure = { exit: 'interrupted', title: 'stopped before the local stack ran' };

export type Starting = {
  readonly supervisor: Supervisor;
  readonly needs: readonly PortNeed[];
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
};

/** Starts one service. A port that somebody took between choice and use is replaced; answers the ports as they are then. */
async function startStep(step: Step, plan: StackPlan, starting: Starting): Promise<Result<Ports>> {
  const { supervisor, needs, say, signal } = starting;
  let { ports } = plan;
  for (let attempt = 1; ; attempt += 1) {
    const failure = await supervisor.start(step.make({ ...plan, ports }));
    if (signal.aborted) return bad(interrupted);
    if (failure === undefined) return good(ports);
    const lost = !(await portIsFree(portOf(ports, step.port)));
    if (!lost || attempt >= lostPortTriesMax) return bad(startFailure(failure));
    const own = needs.filter(({ name }) => name === step.port);
    const others = Object.entries(ports).flatMap(([name, port]) => (name === step.port ? [] : [port]));
    const chosen = await choosePorts(plan.layout.home, own, say, others);
    if (!chosen.ok) return chosen;
    ports = { ...ports, ...chosen.value };
  }
}

/** Starts all services, stage by stage; answers the plan with the ports that they have in the end. */
export async function startServices(plan: StackPlan, starting: Starting): Promise<Result<StackPlan>> {
  let current = plan;
  for (const stage of stagesOf(plan.hosts)) {
    const before = current;
    const results = await Promise.all(stage.map((step) => startStep(step, before, starting)));
    for (const [index, result] of results.entries()) {
      if (!result.ok) return result;
      const port = stage[index]?.port ?? '';
      current = { ...current, ports: { ...current.ports, [port]: portOf(result.value, port) } };
    }
  }
  return good(current);
}
