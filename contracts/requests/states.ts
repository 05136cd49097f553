import type { Kind } from './index';

type MovableState = 'off' | 'running' | 'saved';

const every: readonly MovableState[] = ['off', 'running', 'saved'];
const running: readonly MovableState[] = ['running'];

/** States of the VM in which each kind moves it. */
export const movableStates: Readonly<Record<Kind, readonly MovableState[]>> = {
  live: running,
  quick: running,
  san: running,
  'quick-storage': running,
  storage: running,
  'shared-nothing': running,
  warm: running,
  lan: every,
  export: every,
  import: every,
};
