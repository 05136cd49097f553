/** What memory holds of the database follows the transaction under way; these steps take it back should that be undone. */
export class UndoSteps {
  #steps: (() => void)[] = [];

  add(step: () => void): void {
    this.#steps.push(step);
  }

  /** To be called when a transaction has ended. */
  settle(outcome: 'committed' | 'undone'): void {
    if (this.#steps.length === 0) return;
    const steps = this.#steps;
    this.#steps = [];
    if (outcome === 'undone') for (const step of steps.reverse()) step();
  }
}
