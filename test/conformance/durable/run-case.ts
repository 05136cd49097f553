import type { Answer, Case, Request, Step } from './case';
import { difference, fill, type Variables } from './match';
import { sendRequest, talk, type Received } from './send';
import type { Target } from './targets/target';

export type Outcome = { readonly kind: 'green' } | { readonly kind: 'red'; readonly reason: string };

type Exchange = Extract<Step, { kind: 'exchange' }>;

/** Time that may pass until a status fits, where a step does not say. */
const fitsMsMax = 45_000;
/** Steps that run at the same time at most: a client of one machine has only so many connections. */
const togetherMax = 100;

/** Runs a case; `instanceId` is its own. */
export async function runCase(conformance: Case, instanceId: string, target: Target): Promise<Outcome> {
  const isHere = target.place !== 'azure' && conformance.here !== undefined;
  const steps = isHere ? conformance.here.steps : conformance.steps;
  const run = new CaseRun(target, { id: instanceId, ID: instanceId.toUpperCase(), origin: target.origin });
  return run.all(steps);
}

class CaseRun {
  readonly #target: Target;
  #variables: Variables;

  constructor(target: Target, variables: Variables) {
    this.#target = target;
    this.#variables = variables;
  }

  async all(steps: readonly Step[]): Promise<Outcome> {
    for (const [index, step] of steps.entries()) {
      const complaint = await this.#step(step);
      if (complaint !== undefined) {
        return { kind: 'red', reason: `step ${index + 1} (${titleOf(step, this.#variables)}): ${complaint}` };
      }
    }
    return { kind: 'green' };
  }

  async #step(step: Step): Promise<string | undefined> {
    switch (step.kind) {
      case 'exchange':
        return this.#exchange(step);
      case 'pass':
        await this.#target.pass(step.ms);
        return undefined;
      case 'together':
        return this.#together(step.count, step.steps);
      case 'beside': {
        const outcomes = await Promise.all(step.rows.map((row) => new CaseRun(this.#target, this.#variables).all(row)));
        return outcomes.find((outcome) => outcome.kind === 'red')?.reason;
      }
      case 'socket': {
        const origin = new URL(this.#target.origin);
        const text = await talk(
          origin,
          step.pieces.map((piece) => fill(piece, { ...this.#variables, host: origin.host })),
          step.pauseMs,
          step.msMax,
        );
        return step.answer.test(text) ? undefined : `the answer is ${JSON.stringify(text.slice(0, 300))}`;
      }
    }
  }

  async #together(count: number, steps: readonly Step[]): Promise<string | undefined> {
    const complaints: string[] = [];
    let next = 0;
    const one = async (): Promise<void> => {
      while (next < count) {
        const n = String(next++);
        const outcome = await new CaseRun(this.#target, { ...this.#variables, n }).all(steps);
        if (outcome.kind === 'red') complaints.push(`number ${n}: ${outcome.reason}`);
      }
    };
    await Promise.all(Array.from({ length: Math.min(count, togetherMax) }, one));
    return complaints.length === 0 ? undefined : `${complaints.length} of ${count} failed; ${complaints[0]}`;
  }

  async #exchange(step: Exchange): Promise<string | undefined> {
    const untilMs = this.#target.nowMs() + (step.msMax ?? fitsMsMax);
    let isStill = false;
    for (;;) {
      const received = await sendRequest(filled(step.request, this.#variables), this.#target);
      const complaint = complaintOf(received, step.answer, this.#variables);
      if (complaint === undefined) {
        this.#save(step.save ?? {}, received);
        return undefined;
      }
      const isOver = step.until === 'ended' && isEnded(received);
      if (step.until === undefined || isOver || this.#target.nowMs() >= untilMs) return complaint;
      if (isStill) return complaint;
      // Asked once more after it: what was under way may have ended meanwhile.
      isStill = !(await this.#target.passToNext(untilMs - this.#target.nowMs()));
    }
  }

  #save(wanted: Readonly<Record<string, string>>, received: Received): void {
    for (const [name, path] of Object.entries(wanted)) {
      let value: unknown = received;
      for (const part of path.split('.')) value = Reflect.get(Object(value), part);
      this.#variables = { ...this.#variables, [name]: String(value) };
    }
  }
}

const endings = ['Completed', 'Failed', 'Terminated', 'Canceled'];
const isEnded = ({ body }: Received): boolean =>
  typeof body === 'object' && body !== null && 'runtimeStatus' in body && endings.includes(String(body.runtimeStatus));

function complaintOf(received: Received, answer: Answer, variables: Variables): string | undefined {
  const statuses = typeof answer.status === 'number' ? [answer.status] : answer.status;
  const body = JSON.stringify(received.body).slice(0, 400);
  if (!statuses.includes(received.status)) {
    return `the status is ${received.status}, not ${statuses.join(' or ')}; body: ${body}`;
  }
  const headers = Object.entries(answer.headers ?? {})
    .map(([name, expected]) => difference(expected, received.headers[name] ?? null, variables, `header ${name}`))
    .find((complaint) => complaint !== undefined);
  if (headers !== undefined) return headers;
  return 'body' in answer ? difference(answer.body, received.body, variables, 'body') : undefined;
}

function filled(request: Request, variables: Variables): Request {
  const texts = (value: unknown): unknown => {
    if (typeof value === 'string') return fill(value, variables);
    if (Array.isArray(value)) return value.map(texts);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, child]) => [name, texts(child)]));
  };
  const path = fill(request.path, variables);
  const headers = Object.fromEntries(
    Object.entries(request.headers ?? {}).map(([name, value]) => [name, fill(value, variables)]),
  );
  const json = 'json' in request ? { json: texts(request.json) } : {};
  return { ...request, path, headers, ...json };
}

function titleOf(step: Step, variables: Variables): string {
  if (step.kind === 'exchange') return `${step.request.method} ${fill(step.request.path, variables)}`;
  return step.kind;
}
