/** A deliberate fault in the product's own code, put in its place while a worker runs. */
export type Mutant = {
  readonly name: string;
  /** Changes the loaded modules of the product. */
  readonly apply: () => void;
};

export const mutants: readonly Mutant[] = [];

export function applyMutant(name: string): void {
  const mutant = mutants.find((one) => one.name === name);
  if (mutant === undefined) throw new Error(`there is no mutant ${name}`);
  mutant.apply();
}
