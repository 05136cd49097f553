import { totalmem } from 'node:os';
import { z } from 'zod';
import { reading, Unreadable, type Reading } from './reading';

const mib = 1024 ** 2;
const dayMs = 24 * 60 * 60_000;

/** What the runtime takes from its environment for itself. */
export type RuntimeEnvironment = {
  /** A worker whose event loop gives no sign for so long is replaced. */
  readonly workerSilenceMsMax: number;
  /** A worker that holds more of the machine's memory is replaced. */
  readonly workerMemoryBytesMax: number;
  /** Instances that ended longer ago are forgotten; undefined keeps them all. */
  readonly endedMsMax: number | undefined;
};

const number = (least: number) =>
  z
    .string()
    .regex(/^\d+(\.\d+)?$/, 'is no number')
    .transform(Number)
    .refine((value) => value >= least, `is less than ${least}`);

const schema = z.object({
  HYPERFERRY_WORKER_SILENCE_MS: number(100).default(60_000),
  // Half of the machine's memory leaves room for the host and for others, whatever the app does.
  HYPERFERRY_WORKER_MEMORY_MIB_MAX: number(64).default(Math.round(totalmem() / 2 / mib)),
  HYPERFERRY_ENDED_DAYS_MAX: number(0).optional(),
});

/** Reads the settings of the runtime itself; a reason names the setting, its value and what it takes. */
export const readRuntimeEnvironment = (
  environment: Readonly<Record<string, string | undefined>>,
): Reading<RuntimeEnvironment> =>
  reading(() => {
    const parsed = schema.safeParse(environment);
    if (!parsed.success) {
      const [issue] = parsed.error.issues;
      const name = String(issue?.path[0]);
      throw new Unreadable(`${name}: "${environment[name] ?? ''}" ${issue?.message ?? 'is wrong'}`);
    }
    const { HYPERFERRY_ENDED_DAYS_MAX: days } = parsed.data;
    return {
      workerSilenceMsMax: parsed.data.HYPERFERRY_WORKER_SILENCE_MS,
      workerMemoryBytesMax: parsed.data.HYPERFERRY_WORKER_MEMORY_MIB_MAX * mib,
      endedMsMax: days === undefined ? undefined : days * dayMs,
    };
  });
