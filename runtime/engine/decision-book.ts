import { decisionNames, type Decision } from './decision';
import { Task } from './task';

/** Thrown inside a replay when history and actions contradict each other; `replay` turns it into a value. */
export class Contradiction extends Error {}

const nouns = {
  activity: 'an activity task',
  subOrchestration: 'a sub-orchestration task',
  timer: 'a timer task',
  entityMessage: 'a send event task',
} as const satisfies Record<Decision['kind'], string>;

/** What a replayed orchestration has decided and not found in its history yet, and its tasks that are open, both by id. */
export class DecisionBook {
  readonly #decisions = new Map<number, Decision>();
  readonly #open = new Map<number, Task>();
  #idNext = 0;

  /** Gives the decision the next id. */
  decide(make: (id: number) => Decision): number {
    const id = this.#idNext++;
    this.#decisions.set(id, make(id));
    return id;
  }

  /** A decision whose task keeps the orchestration from ending until it is closed. */
  open(make: (id: number) => Decision): { readonly id: number; readonly task: Task } {
    const id = this.decide(make);
    const task = new Task();
    this.#open.set(id, task);
    return { id, task };
  }

  close(id: number): Task | undefined {
    const task = this.#open.get(id);
    this.#open.delete(id);
    return task;
  }

  /** Whether the task of this decision is open, and no other. */
  isOnlyOpen(id: number): boolean {
    return this.#open.size === 1 && this.#open.has(id);
  }

  get hasOpenTasks(): boolean {
    return this.#open.size > 0;
  }

  has(id: number): boolean {
    return this.#decisions.has(id);
  }

  /** What the history does not hold, by id. */
  unrecorded(): Decision[] {
    return [...this.#decisions.values()].sort((a, b) => a.id - b.id);
  }

  /** Checks a decision off against its record in the history; throws `Contradiction` when they are not the same. */
  confirm(id: number, kind: Decision['kind'], name: string | undefined): void {
    const decision = this.#decisions.get(id);
    const named = name === undefined ? '' : ` and name '${name}'`;
    const recorded = `A previous execution of this orchestration scheduled ${nouns[kind]} with sequence ID ${id}${named}, but the current replay execution`;
    const cause = 'Was a change made to the orchestrator code after this instance had already started running?';
    if (decision === undefined) throw new Contradiction(`${recorded} hasn't (yet?) scheduled this task. ${cause}`);
    if (decision.kind !== kind) {
      throw new Contradiction(`${recorded} instead produced a ${decisionNames[decision.kind]} with it. ${cause}`);
    }
    if (name !== undefined && 'name' in decision && decision.name.toLowerCase() !== name.toLowerCase()) {
      throw new Contradiction(`${recorded} instead scheduled a task named '${decision.name}' with it. ${cause}`);
    }
    this.#decisions.delete(id);
  }
}
