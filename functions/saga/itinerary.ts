import type { Step as UserStep } from '../../contracts/migration';
import type { Told } from '../../contracts/receipt';
import type { Load } from './load';
import type { Run } from './run';
import type { Durable, Step } from './step';

/** How to reverse a phase, or why there is nothing to reverse. An undo works from the run's inputs alone: its do may have lost its reply. */
export type Undo<Input> =
  | { readonly kind: 'undo'; readonly what: string; readonly run: (run: Run<Input>) => Durable<Step<unknown>> }
  | { readonly kind: 'nothing'; readonly because: string };

export const undo = <Input>(what: string, run: (run: Run<Input>) => Durable<Step<unknown>>): Undo<Input> => ({
  kind: 'undo',
  what,
  run,
});
/** Of a phase that says what it carries once it is under way. */
export const onceUnderWay = (): null => null;
export const nothing = (because: string): { kind: 'nothing'; because: string } => ({ kind: 'nothing', because });

export type PhaseDefinition<Input, Done, Name extends string, Output> = {
  readonly name: Name;
  /** The group that people see. */
  readonly step: UserStep;
  /** One sentence for the table of phases and the status. */
  readonly what: string;
  /** The phase after which the run only goes forward. One a kind. */
  readonly pivot?: true;
  /** Of a pivot: it can be stopped while it is under way, and tells truly whether it took effect. */
  readonly cancelable?: true;
  /** Of a phase that takes the time that bytes take: how many, as far as the phases that were done tell. */
  readonly load?: (done: Known<Done>, input: Input) => Load | null;
  readonly do: (run: Run<Input>, done: Done) => Durable<Step<Output>>;
  readonly undo: Undo<Input>;
};

/** A phase as the interpreter sees it, its types erased. The builder is the only place that erases them. */
export type Phase<Input> = {
  readonly name: string;
  readonly step: UserStep;
  readonly what: string;
  readonly pivot: boolean;
  readonly cancelable: boolean;
  readonly load: ((done: Outputs, input: Input) => Load | null) | undefined;
  readonly do: (run: Run<Input>, done: Outputs) => Durable<Step<unknown>>;
  readonly undo: Undo<Input>;
};

export type Itinerary<Input> = {
  readonly kind: string;
  /** A changed order or meaning of phases is a new version; the old one stays until its last run ends. */
  readonly version: number;
  readonly phases: readonly Phase<Input>[];
  readonly pivotIndex: number;
  /** What the receipt says of a run, from the outputs of the phases that it did, and of those that it undid. */
  readonly tells: (outputs: Outputs, undone: Outputs) => Partial<Told>;
};

/** By the name of the phase. */
type Outputs = Readonly<Record<string, unknown>>;

/** Outputs of phases of which some were not done, and others accepted by a person as they were. */
export type Known<Done> = { readonly [Name in keyof Done]?: Done[Name] | null };

/**
 * Builds an itinerary phase by phase. A phase's `done` holds the outputs of the phases before it, by name and with their types, so that
 * using one too early does not compile; nor does a phase without an undo or the reason why it has none.
 */
export class ItineraryBuilder<Input, Done extends object> {
  private constructor(
    private readonly kind: string,
    private readonly version: number,
    private readonly phases: readonly Phase<Input>[],
  ) {}

  static begin<Input>(kind: string, version: number): ItineraryBuilder<Input, object> {
    return new ItineraryBuilder<Input, object>(kind, version, []);
  }

  phase<Name extends string, Output>(
    definition: PhaseDefinition<Input, Done, Name, Output>,
  ): ItineraryBuilder<Input, Done & Record<Name, Output>> {
    const { load } = definition;
    const phase: Phase<Input> = {
      name: definition.name,
      step: definition.step,
      what: definition.what,
      pivot: definition.pivot ?? false,
      cancelable: definition.cancelable ?? false,
      load: load === undefined ? undefined : (done, input) => load(done as Known<Done>, input),
      // The interpreter passes the outputs of exactly the phases before this one, which is what Done says.
      do: (run, done) => definition.do(run, done as Done),
      undo: definition.undo,
    };
    return new ItineraryBuilder<Input, Done & Record<Name, Output>>(this.kind, this.version, [...this.phases, phase]);
  }

  /**
   * `tells`: what the receipt says, from the outputs of the phases that were done, which may be few, and of their undos. Throws (at load) when two phases share
   * a name or there is not exactly one pivot.
   */
  build(tells: (done: Known<Done>, undone: Outputs) => Partial<Told>): Itinerary<Input> {
    const names = new Set(this.phases.map((phase) => phase.name));
    if (names.size !== this.phases.length) throw new Error(`${this.kind}: two phases share a name`);
    const pivots = this.phases.filter((phase) => phase.pivot);
    const [pivot] = pivots;
    if (pivot === undefined || pivots.length !== 1) throw new Error(`${this.kind}: exactly one phase is the pivot`);
    return {
      kind: this.kind,
      version: this.version,
      phases: this.phases,
      pivotIndex: this.phases.indexOf(pivot),
      // A phase that was not done has no output; one whose failure a person accepted has null.
      tells: (outputs, undone) => tells(outputs as Known<Done>, undone),
    };
  }
}

/** The itinerary of an older version, from before these phases were put in. For the runs that began with it. */
export function before<Input>(newer: Itinerary<Input>, names: readonly string[], version: number): Itinerary<Input> {
  const left = newer.phases.filter(({ name, pivot }) => pivot || !names.includes(name));
  const [pivot] = left.filter((phase) => phase.pivot);
  if (pivot === undefined || left.length !== newer.phases.length - names.length)
    throw new Error(`${newer.kind}: ${names.join(', ')} cannot be left out`);
  return { ...newer, version, phases: left, pivotIndex: left.indexOf(pivot) };
}

export const itinerary = <Input>(kind: string, version: number): ItineraryBuilder<Input, object> =>
  ItineraryBuilder.begin<Input>(kind, version);
