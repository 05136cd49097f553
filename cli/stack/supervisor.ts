import type { Clock } from '../../agent/clock';
import { KeptService } from './kept-service';
import type { Service, ServiceEvent, ServiceState, StartFailure } from './service';

export type SupervisorOptions = {
  readonly clock: Clock;
  readonly say: (line: string) => void;
  readonly onEvent?: (event: ServiceEvent) => void;
  /** After each start and end of a process: those that live now, by the name of their service. */
  readonly onProcesses?: (pids: Readonly<Record<string, number>>) => void;
};

/** Starts services, starts those again that die, and stops them in reverse order. */
export class Supervisor {
  private readonly kept: KeptService[] = [];
  private readonly listeners = new Set<(event: ServiceEvent) => void>();

  constructor(private readonly options: SupervisorOptions) {
    if (options.onEvent !== undefined) this.listeners.add(options.onEvent);
  }

  /** Starts a service and keeps it. A failure when it did not come up this first time; then it is not kept. */
  async start(service: Service): Promise<StartFailure | undefined> {
    const one = new KeptService(service, {
      clock: this.options.clock,
      say: this.options.say,
      onEvent: (event) => this.heard(event),
    });
    this.kept.push(one);
    const failure = await one.start();
    if (failure !== undefined) this.forget(one);
    return failure;
  }

  /** Sends a signal to the process of a service, as anybody else on the machine might; answers its id, if there was one. */
  signal(name: string, signal: NodeJS.Signals): number | undefined {
    const one = this.find(name);
    const pid = one?.pid;
    one?.signal(signal);
    return pid;
  }

  state(name: string): ServiceState {
    return this.find(name)?.state ?? 'stopped';
  }

  /** Calls the listener for everything that happens from now on; the function that is answered ends that. */
  listen(listener: (event: ServiceEvent) => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  /** Stops one service; it is kept no longer. */
  async stopOne(name: string): Promise<void> {
    const one = this.find(name);
    if (one === undefined) return;
    await one.stop();
    this.forget(one);
  }

  /** Stops everything, the last started first. */
  async stop(): Promise<void> {
    for (const one of [...this.kept].reverse()) await one.stop();
    this.kept.length = 0;
  }

  private find(name: string): KeptService | undefined {
    return this.kept.find(({ service }) => service.name === name);
  }

  private forget(one: KeptService): void {
    this.kept.splice(this.kept.indexOf(one), 1);
  }

  private heard(event: ServiceEvent): void {
    this.listeners.forEach((listener) => listener(event));
    const living = this.kept.flatMap(({ service, pid }) => (pid === undefined ? [] : [[service.name, pid] as const]));
    this.options.onProcesses?.(Object.fromEntries(living));
  }
}
