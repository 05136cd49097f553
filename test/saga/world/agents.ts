import type { StartOperationInput } from '../../../activities/definitions';
import { failureOf, type Failure, type Outcome } from '../../../contracts/failure';
import type { OperationKind, OperationView } from '../../../contracts/operations';
import type { PreflightReport } from '../../../contracts/preflight';
import { applyTo, refuses } from './effects';
import type { World } from './state';

/** What goes wrong with an operation. */
export type Fault =
  /** The agent refuses; nothing was done. */
  | 'refused'
  /** The agent did it, and reports a failure of which it does not know the effect. */
  | 'failed after effect'
  /** The agent did it; the reply to the start is lost. */
  | 'reply lost'
  /** The agent never got the request. */
  | 'request lost'
  /** The activity threw after the agent did it. */
  | 'threw'
  /** The agent fails once for a passing reason, before it did anything. */
  | 'failed once'
  /** The agent did it and then failed for a passing reason, so that a new attempt does it again. */
  | 'done and failed'
  /** The agent dies before it has noted the request, and is back after a while. */
  | 'killed before'
  /** The agent dies when it did it and had not said so; back after a while it does it again. */
  | 'killed after';

/** Where the run stands when it asks for an operation. */
export type Where = { readonly phase: string | null; readonly unwinding: boolean };

/** A fault, and the operations that it meets: the first that fits, or with `always` every one. */
export type Plan = {
  readonly kind?: OperationKind;
  readonly phase?: string;
  readonly action?: 'do' | 'undo';
  readonly fault: Fault;
  readonly always?: boolean;
};

/** Operations that stay running for so many looks. */
export type Slow = { readonly phase: string; looks: number };

/** Calls that a host does not answer after its agent was killed. */
const callsWhileDown = 4;

/** Agents in a process: keeps operations by id, answers looks, and applies the plan of faults. */
export class FakeAgents {
  readonly views = new Map<string, OperationView>();
  readonly inputs: { readonly kind: OperationKind; readonly input: unknown }[] = [];
  readonly starts: { readonly operationId: string; readonly epoch: number; readonly kind: OperationKind }[] = [];
  /** Looks that an operation of a kind stays running for. */
  readonly looksUntilDone = new Map<OperationKind, number>();
  slow: Slow | undefined;
  /** What preflight finds, time after time; then nothing. */
  found: PreflightReport[] = [];
  plans: Plan[];
  private readonly hosts = new Map<string, string>();
  private readonly epochs = new Map<string, number>();
  private readonly down = new Map<string, number>();
  private readonly undone = new Set<string>();

  constructor(
    private readonly world: World,
    plans: readonly Plan[] = [],
    private readonly where: () => Where = () => ({ phase: null, unwinding: false }),
  ) {
    this.plans = [...plans];
  }

  start(kind: OperationKind, asked: StartOperationInput): Outcome<OperationView> {
    const { operationId, host, epoch } = asked;
    this.inputs.push({ kind, input: asked.input });
    this.starts.push({ operationId, epoch, kind });
    if (this.isDown(host)) return lost();
    const known = this.views.get(operationId);
    if (known !== undefined) return { ok: true, value: known };
    if (epoch < (this.epochs.get(host) ?? 0))
      return { ok: false, failure: failureOf('EpochStale', { message: 'older' }) };
    const fault = this.faultOf(kind);
    if (fault === 'request lost') return lost();
    if (fault === 'killed before') return this.kill(host);
    this.epochs.set(host, epoch);
    this.hosts.set(operationId, host);
    return this.carryOut(kind, asked, fault);
  }

  private carryOut(kind: OperationKind, asked: StartOperationInput, fault: Fault | undefined): Outcome<OperationView> {
    if (fault === 'refused') return this.put(kind, asked, failedWith(failureOf('NotEnoughRoom', { message: 'no' })));
    if (fault === 'failed once')
      return this.put(kind, asked, failedWith(failureOf('IoFailed', { message: 'once', effect: 'none' })));
    if (refuses(this.world, sideOf(asked.host), kind))
      return this.put(kind, asked, failedWith(failureOf('VmStateWrong', { message: 'not as things stand' })));
    if (this.looksLeft(kind) > 0) return this.put(kind, asked, { state: 'running' });
    const output = this.apply(kind, asked.host);
    switch (fault) {
      case 'failed after effect':
        return this.put(kind, asked, failedWith(failureOf('AgentError', { message: '?', retry: 'permanent' })));
      case 'done and failed':
        return this.put(kind, asked, failedWith(failureOf('IoFailed', { message: 'again', effect: 'applied' })));
      case 'killed after':
        this.put(kind, asked, { state: 'running' });
        this.undone.add(asked.operationId);
        return this.kill(asked.host);
      default: {
        const view = this.put(kind, asked, { state: 'succeeded', output });
        if (fault === 'threw') throw new Error('the worker died');
        return fault === 'reply lost' ? lost() : view;
      }
    }
  }

  /** The gate of a run. It reads only, so a fault changes what is answered and nothing else. */
  preflight(): Outcome<PreflightReport> {
    if (this.isDown(gate)) return unanswered();
    if (this.slow?.phase === this.where().phase && this.slow.looks > 0) {
      this.slow.looks -= 1;
      return unanswered();
    }
    const fault = this.faultOf('preflight');
    if (fault === 'threw') throw new Error('the worker died');
    if (fault === undefined) return { ok: true, value: this.found.shift() ?? nothingFound };
    if (fault === 'refused') return { ok: true, value: refusedBy(failureOf('NotEnoughRoom', { message: 'no' })) };
    if (fault === 'killed before' || fault === 'killed after') this.down.set(gate, callsWhileDown);
    return unanswered();
  }

  look(operationId: string): Outcome<OperationView> {
    const host = this.hosts.get(operationId);
    if (host !== undefined && this.isDown(host)) return lost();
    const view = this.views.get(operationId);
    if (view === undefined) return { ok: false, failure: failureOf('OperationLost', { message: operationId }) };
    if (view.state === 'running' && (this.undone.has(operationId) || this.countLook(view.kind))) {
      this.undone.delete(operationId);
      const output = this.apply(view.kind, host ?? '');
      this.views.set(operationId, { ...base(view), state: 'succeeded', output });
    }
    return { ok: true, value: this.views.get(operationId) ?? view };
  }

  cancel(operationId: string): void {
    const view = this.views.get(operationId);
    if (view?.state === 'running') this.views.set(operationId, { ...base(view), state: 'canceled' });
  }

  private apply(kind: OperationKind, host: string): unknown {
    return applyTo(this.world, sideOf(host), kind);
  }

  private looksLeft(kind: OperationKind): number {
    const { slow } = this;
    if (slow !== undefined && slow.phase === this.where().phase && !this.where().unwinding) return slow.looks;
    return this.looksUntilDone.get(kind) ?? 0;
  }

  /** Counts one look; answers whether the operation is done with it. */
  private countLook(kind: OperationKind): boolean {
    const left = this.looksLeft(kind) - 1;
    if (this.slow !== undefined && this.slow.phase === this.where().phase) this.slow.looks = left;
    else this.looksUntilDone.set(kind, left);
    return left <= 0;
  }

  private kill(host: string): Outcome<OperationView> {
    this.down.set(host, callsWhileDown);
    return lost();
  }

  private isDown(host: string): boolean {
    const left = this.down.get(host) ?? 0;
    this.down.set(host, left - 1);
    return left > 0;
  }

  private faultOf(kind: OperationKind | 'preflight'): Fault | undefined {
    const { phase, unwinding } = this.where();
    const index = this.plans.findIndex(
      (plan) =>
        (plan.kind ?? kind) === kind &&
        (plan.phase === undefined || plan.phase === phase) &&
        (plan.action === undefined || (plan.action === 'undo') === unwinding),
    );
    const plan = this.plans[index];
    if (plan !== undefined && plan.always !== true) this.plans.splice(index, 1);
    return plan?.fault;
  }

  private put(
    kind: OperationKind,
    { operationId, runId, epoch }: StartOperationInput,
    end: End,
  ): Outcome<OperationView> {
    const movedAt = '2027-01-01T00:00:00.000Z';
    const view: OperationView = { operationId, runId, epoch, kind, movedAt, progress: null, ...end };
    this.views.set(operationId, view);
    return { ok: true, value: view };
  }
}

/** Whoever answers preflight. */
const gate = 'preflight';
const nothingFound: PreflightReport = { schema: 1, refusal: null, concerns: [] };

/** A report that refuses the run. */
export const refusedBy = (refusal: Failure): PreflightReport => ({
  schema: 1,
  refusal,
  concerns: [
    {
      checkId: 'room',
      severity: 'critical',
      outcome: 'found',
      fields: [{ name: 'place.volume', value: 'full' }],
      message: refusal.message,
      remedy: refusal.remedy ?? '',
    },
  ],
});

const unanswered = (): Outcome<never> => ({
  ok: false,
  failure: failureOf('AgentTimedOut', { message: 'no reply', effect: 'none' }),
});

const sideOf = (host: string): 'source' | 'destination' => (host === 'hv-a' ? 'source' : 'destination');

type End =
  | { readonly state: 'running' }
  | { readonly state: 'succeeded'; readonly output: unknown }
  | { readonly state: 'failed'; readonly failure: Failure };

const failedWith = (failure: Failure): End => ({ state: 'failed', failure });
const lost = (): Outcome<OperationView> => ({
  ok: false,
  failure: failureOf('AgentTimedOut', { message: 'no reply' }),
});

const base = ({ operationId, runId, epoch, kind, movedAt, progress }: OperationView) => ({
  operationId,
  runId,
  epoch,
  kind,
  movedAt,
  progress,
});
