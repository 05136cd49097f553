import type { Case, Place } from '../case';

/** What a case runs against. */
export interface Target {
  readonly place: Place;
  readonly origin: string;
  readonly keys: { readonly master: string; readonly function?: string; readonly system?: string };
  /** Milliseconds; virtual where time is. */
  nowMs(): number;
  /** Lets time pass. */
  pass(ms: number): Promise<void>;
  /**
   * Waits a little, or goes to the next moment at which something happens, if it is within `msMax`. False when nothing will
   * happen by itself before then.
   */
  passToNext(msMax: number): Promise<boolean>;
}

/** Targets for cases: one for all of them, or one for each. */
export interface Targets {
  readonly place: Place;
  /** Cases that may run at the same time. */
  readonly casesMax: number;
  for(conformance: Case): Promise<Target>;
  done(target: Target): Promise<void>;
  close(): Promise<void>;
}
