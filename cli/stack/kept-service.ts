import { describeThrown } from '../../contracts/failure';
import type { Clock } from '../../agent/clock';
import { formatMs } from '../output/format';
import { launch, tailOf, type Child, type ChildCommand, type ChildEnd } from './child';
import type { Service, ServiceEvent, ServiceState, StartFailure } from './service';

const backoffMsMin = 200;
const backoffMsMax = 10_000;
/** Up for this long, a service has proved itself, and its next restart is quick again. */
const provenMs = 10_000;

const endText = ({ code, signal }: ChildEnd): string =>
  signal === null ? (code === null ? 'could not be run' : `ended with code ${code}`) : `was ended by ${signal}`;

type Surroundings = {
  readonly clock: Clock;
  readonly say: (line: string) => void;
  readonly onEvent: (event: ServiceEvent) => void;
};

/** The life of one service: its first start, its restarts, its end. */
export class KeptService {
  private readonly stopping = new AbortController();
  private stateNow: ServiceState = 'starting';
  private child: Child | undefined;
  private keeping: Promise<void> = Promise.resolve();
  private command: ChildCommand;

  constructor(
    readonly service: Service,
    private readonly around: Surroundings,
  ) {
    this.command = service.command;
  }

  get state(): ServiceState {
    return this.stateNow;
  }

  /** The process that lives now. */
  get pid(): number | undefined {
    return this.child?.pid;
  }

  signal(signal: NodeJS.Signals): void {
    this.child?.signal(signal);
  }

  /** Starts it the first time. When it does not come up, it is ended, and this is all that becomes of it. */
  async start(): Promise<StartFailure | undefined> {
    const startedMs = this.around.clock.now();
    const child = this.launch();
    const first = await this.comesUp(child);
    if (first === 'ready') {
      this.stateNow = 'ready';
      this.keeping = this.keep(child, startedMs);
      return undefined;
    }
    if (first === 'late') await this.end(child);
    this.stateNow = 'stopped';
    const why =
      first === 'late' ? `did not say that it is ready within ${formatMs(this.service.readyMsMax)}` : endText(first);
    return { service: this.service.name, why, logTail: tailOf(this.service.logPath) };
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    if (this.child !== undefined) await this.end(this.child);
    await this.keeping;
    this.stateNow = 'stopped';
  }

  private launch(): Child {
    const child = launch(this.command, this.service.logPath);
    this.child = child;
    this.tell('started', child);
    void child.ended.then(() => {
      this.child = undefined;
      this.tell('ended', child);
    });
    return child;
  }

  private async comesUp(child: Child): Promise<'ready' | 'late' | ChildEnd> {
    const enough = new AbortController();
    const ready = new Promise<'ready'>((resolve) => {
      child.onLine((line) => {
        if (this.service.saysReady(line)) resolve('ready');
      });
    });
    const late = this.around.clock.sleep(this.service.readyMsMax, enough.signal).then(() => 'late' as const);
    const what = await Promise.race([ready, child.ended, late]);
    enough.abort();
    if (what === 'ready') this.tell('ready', child);
    return what;
  }

  /** Waits for the process to end and starts it again, until the service is stopped. */
  private async keep(first: Child, firstStartedMs: number): Promise<void> {
    const { clock, say } = this.around;
    let backoffMs = backoffMsMin;
    let end = await first.ended;
    let startedMs = firstStartedMs;
    let diedMs = clock.now();
    while (this.wanted()) {
      if (clock.now() - startedMs >= provenMs) backoffMs = backoffMsMin;
      this.stateNow = 'waiting';
      say(`${this.service.name} ${endText(end)}; starting it again in ${formatMs(backoffMs)}`);
      await clock.sleep(backoffMs, this.stopping.signal);
      backoffMs = Math.min(backoffMs * 2, backoffMsMax);
      if (!this.wanted()) return;
      startedMs = clock.now();
      end = await this.liveAgain(diedMs);
      diedMs = clock.now();
    }
  }

  private wanted(): boolean {
    return !this.stopping.signal.aborted;
  }

  /** One restart and the life that follows it. */
  private async liveAgain(diedMs: number): Promise<ChildEnd> {
    const { clock, say } = this.around;
    this.stateNow = 'starting';
    let child: Child;
    try {
      this.command = (await this.service.renewed?.()) ?? this.command;
      if (!this.wanted()) return { code: null, signal: null };
      child = this.launch();
    } catch (thrown) {
      // Such as a full disk under its log: it is tried again like any other end.
      say(`${this.service.name} could not be started: ${describeThrown(thrown)}`);
      return { code: null, signal: null };
    }
    const what = await this.comesUp(child);
    if (what === 'ready') {
      this.stateNow = 'ready';
      say(`${this.service.name} is back after ${formatMs(clock.now() - diedMs)}`);
    } else if (what === 'late') {
      say(`${this.service.name} is not ready after ${formatMs(this.service.readyMsMax)}; ending it`);
      child.signal('SIGKILL');
    }
    return child.ended;
  }

  private async end(child: Child): Promise<void> {
    child.signal('SIGTERM');
    const enough = new AbortController();
    const ended = child.ended.then(() => 'ended' as const);
    const late = this.around.clock.sleep(this.service.stopMsMax, enough.signal).then(() => 'late' as const);
    if ((await Promise.race([ended, late])) === 'late') {
      this.around.say(`${this.service.name} did not stop within ${formatMs(this.service.stopMsMax)}; ending it`);
      child.signal('SIGKILL');
    }
    enough.abort();
    await child.ended;
  }

  private tell(what: ServiceEvent['what'], child: Child): void {
    this.around.onEvent({ service: this.service.name, what, atMs: this.around.clock.now(), pid: child.pid });
  }
}
