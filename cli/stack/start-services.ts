import type { HostId } from '../../contracts/ids';
import { bad, good, type Result } from '../context';
import type { CliFailure } from '../failure';
import { choosePorts, portIsFree, type PortNeed, type Ports } from './ports';
import type { Service, StartFailure } from './service';
import {
  agentName,
  agentService,
  appService,
  blobService,
  portOf,
  relayService,
  routePortName,
  type FreePort,
  type StackPlan,
} from './services';
import type { Supervisor } from './supervisor';

export const startFailure = (failure: StartFailure): CliFailure => ({
  exit: 'localStack',
  title: `${failure.service} did not start: it ${failure.why}`,
  detail: failure.logTail.length === 0 ? undefined : `its last words: ${failure.logTail.join(' | ').slice(0, 1500)}`,
  remedy: 'Look into its log, in the folder "logs" of the state folder.',
});

/** One service of the start: the port whose loss a failure may be due to, and the service as the ports are then. */
type Step = {
  readonly service: string;
  readonly port: string;
  readonly make: (plan: StackPlan, freePort: FreePort) => Service;
};

/** Steps of one stage start side by side; what a later stage is told of the earlier ones is known by then. */
export const stagesOf = (hosts: readonly HostId[]): Step[][] => [
  [
    { service: 'blobs', port: 'blobs', make: blobService },
    { service: 'relay', port: 'relay', make: relayService },
  ],
  [
    ...hosts.map((host) => ({
      service: agentName(host),
      port: routePortName(host),
      make: (plan: StackPlan, freePort: FreePort) => agentService(plan, host, freePort),
    })),
    { service: 'app', port: 'api', make: appService },
  ],
];

const lostPortTriesMax = 5;
/** What our own agent says of a taken port, and what everything else does. */
const takenWords = /EADDRINUSE|another program listens/;
const saysTaken = ({ logTail }: StartFailure): boolean => logTail.some((line) => takenWords.test(line));
const interrupted: CliFailure = { exit: 'interrupted', title: 'stopped before the local stack ran' };

export type Starting = {
  readonly supervisor: Pick<Supervisor, 'start'>;
  readonly needs: readonly PortNeed[];
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
};

/** A free port for the need of that name, as long as the one it had is taken; the others of the plan are left alone. */
function replacePort(name: string, { layout, ports }: StackPlan, { needs, say }: Starting): Promise<Result<Ports>> {
  const own = needs.filter((need) => need.name === name);
  const others = Object.entries(ports).flatMap(([other, port]) => (other === name ? [] : [port]));
  return choosePorts(layout.home, own, say, others);
}

const freePortOf =
  (plan: StackPlan, starting: Starting): FreePort =>
  async (name, port) => {
    const chosen = await replacePort(name, plan, starting);
    return chosen.ok ? portOf(chosen.value, name) : port;
  };

/** Starts one service. A port that somebody took between choice and use is replaced; answers the ports as they are then. */
export async function startStep(step: Step, plan: StackPlan, starting: Starting): Promise<Result<Ports>> {
  const { supervisor, signal } = starting;
  let { ports } = plan;
  for (let attempt = 1; ; attempt += 1) {
    const failure = await supervisor.start(step.make({ ...plan, ports }, freePortOf(plan, starting)));
    if (signal.aborted) return bad(interrupted);
    if (failure === undefined) return good(ports);
    // Whoever looks for a free port holds it for a moment: what says that it was taken is believed, though it is free again by now.
    const lost = saysTaken(failure) || !(await portIsFree(portOf(ports, step.port)));
    if (!lost || attempt >= lostPortTriesMax) return bad(startFailure(failure));
    const chosen = await replacePort(step.port, plan, starting);
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
