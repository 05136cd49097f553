import type { Task } from 'durable-functions';
import type { Outcome } from '../../contracts/failure';

/** What a helper of the saga is: a generator that yields Durable tasks. Called with `yield*`, it keeps the types that a bare `yield` loses. */
export type Durable<T> = Generator<Task, T, unknown>;

/**
 * The history of this generation is long enough: start a new one and enter the phase again. Operations that have an outcome answer it
 * at once, by their ids, so a phase that is entered again goes on where it was.
 */
export type Renew = { readonly ok: false; readonly renew: true };
export const renew: Renew = { ok: false, renew: true };

/** How a phase, or a part of one, ends. `if (!x.ok) return x;` hands failure and renewal alike to the interpreter. */
export type Step<T> = Outcome<T> | Renew;

export const isRenew = (step: Step<unknown>): step is Renew => !step.ok && 'renew' in step;

export const isRenewal = (value: unknown): value is Renew => value === renew;
