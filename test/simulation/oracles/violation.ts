/** A promise that was broken. */
export type Violation = {
  /** Which of the oracles says so. */
  readonly oracle: string;
  readonly detail: string;
  /** Virtual time since the start of the batch. */
  readonly atMs: number;
};

export type Complain = (oracle: string, detail: string) => void;
