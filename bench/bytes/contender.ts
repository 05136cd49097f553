/** What one copy took. */
export type Taken = {
  readonly seconds: number;
  /** Of both ends, user and system; undefined where it cannot be known apart from other work. */
  readonly processorSeconds?: { readonly source: number; readonly destination: number };
};

export type Contender = {
  readonly name: string;
  readonly promises: string;
  /** Copies the image to a file that is not there. */
  readonly copy: (target: string) => Promise<Taken>;
};

/** Contenders with what they left running, and who is not there. */
export type Field = {
  readonly contenders: readonly Contender[];
  readonly missing: readonly string[];
  readonly stop: () => Promise<void>;
};

export const joined = (fields: readonly Field[]): Field => ({
  contenders: fields.flatMap(({ contenders }) => contenders),
  missing: fields.flatMap(({ missing }) => missing),
  stop: async () => {
    for (const { stop } of fields) await stop();
  },
});

export const absent = (why: string): Field => ({ contenders: [], missing: [why], stop: async () => undefined });
