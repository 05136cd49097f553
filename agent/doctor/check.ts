import type { Surroundings } from './surroundings';

/** `critical` keeps the agent from its work; `warning` keeps some kinds of migration from it, or will soon. */
export type Severity = 'critical' | 'warning';

/** What a check found. `skipped`: it could not look, because of another finding or because there is nothing to look at. */
export type Verdict =
  | { readonly type: 'fine'; readonly message: string }
  | { readonly type: 'wrong'; readonly severity: Severity; readonly message: string; readonly remedy: string }
  | { readonly type: 'skipped'; readonly message: string };

export const fine = (message: string): Verdict => ({ type: 'fine', message });
export const skipped = (message: string): Verdict => ({ type: 'skipped', message });
export const critical = (message: string, remedy: string): Verdict => ({
  type: 'wrong',
  severity: 'critical',
  message,
  remedy,
});
export const warning = (message: string, remedy: string): Verdict => ({
  type: 'wrong',
  severity: 'warning',
  message,
  remedy,
});

/** One thing that a first day gets wrong. It changes nothing, or removes what it made. */
export type Check = {
  /** Stable: the documentation and programs refer to it. */
  readonly id: string;
  readonly looksAt: string;
  readonly look: (see: Surroundings) => Promise<Verdict | readonly Verdict[]>;
};
