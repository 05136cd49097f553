import { z } from 'zod';
import { failureCodes, type FailureCode } from './failure-codes';

const codes = Object.keys(failureCodes) as [FailureCode, ...FailureCode[]];

export const hostEventsMax = 3;
export const hostEventTextMax = 240;

/** What a host wrote to an event log. Short: a failure is kept in histories and in the status of a run, which has 16 KiB for all. */
export const hostEvent = z.object({
  at: z.iso.datetime(),
  log: z.string().max(60),
  id: z.int(),
  message: z.string().max(hostEventTextMax),
});
export type HostEvent = z.infer<typeof hostEvent>;

/**
 * What went wrong, as a value. Expected failures are returned; only bugs throw.
 * - `retry`: whether the same request may succeed later without anybody changing anything.
 * - `effect`: what the attempt left behind. It decides whether the failing phase itself must be undone.
 * The agent classifies once, where the knowledge is; everybody else reads `retry` and `effect`.
 */
export const failure = z.object({
  code: z.enum(codes),
  retry: z.enum(['transient', 'permanent']),
  effect: z.enum(['none', 'applied', 'unknown']),
  subject: z
    .object({
      host: z.string().optional(),
      vmId: z.string().optional(),
      diskId: z.string().optional(),
      field: z.string().optional(),
      value: z.string().optional(),
      operationId: z.string().optional(),
    })
    .default({}),
  message: z.string().max(1000),
  remedy: z.string().max(1000).optional(),
  /** The code that the hypervisor itself gives: an HRESULT such as `0x800705AA`, or `event 21501`. */
  native: z.string().max(60).optional(),
  /** What the hypervisor wrote of the VM to its event logs meanwhile, the latest last. */
  events: z.array(hostEvent).max(hostEventsMax).optional(),
});
export type Failure = z.infer<typeof failure>;

export type Outcome<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly failure: Failure };

export const succeeded = <T>(value: T): Outcome<T> => ({ ok: true, value });
export const failed = (f: Failure): { readonly ok: false; readonly failure: Failure } => ({ ok: false, failure: f });

type FailureDetail = {
  readonly message: string;
  readonly effect?: Failure['effect'];
  readonly retry?: Failure['retry'];
  readonly subject?: Failure['subject'];
  readonly remedy?: string;
  readonly native?: string;
};

/** A failure with the defaults of its code (retry, effect, remedy), each of which `detail` may override. */
export function failureOf(code: FailureCode, detail: FailureDetail): Failure {
  const known = failureCodes[code];
  return {
    code,
    retry: detail.retry ?? known.retry,
    effect: detail.effect ?? known.effect,
    subject: detail.subject ?? {},
    message: detail.message.slice(0, 1000),
    remedy: detail.remedy ?? known.remedy,
    ...(detail.native === undefined ? {} : { native: detail.native }),
  };
}

/** The text of anything that was thrown, with its causes. */
export function describeThrown(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  const cause = thrown.cause === undefined ? '' : `: ${describeThrown(thrown.cause)}`;
  return `${thrown.message}${cause}`;
}
