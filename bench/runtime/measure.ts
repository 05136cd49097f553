import type { HostUnderTest } from '../../runtime/testing/run-host';
import { useOf } from './processes';

/** A piece of work, counted and timed. */
export type Measured = {
  readonly name: string;
  /** What is counted: activities, starts. */
  readonly unit: string;
  readonly count: number;
  readonly seconds: number;
  readonly perSecond: number;
  /** Processor time of host and worker; undefined where the system does not tell. */
  readonly cpuSeconds: number | undefined;
  /** What it should be at least, on two cores with full sync. */
  readonly perSecondGoal?: number | undefined;
};

export async function measure(
  host: HostUnderTest,
  what: Pick<Measured, 'name' | 'unit' | 'count' | 'perSecondGoal'>,
  work: () => Promise<unknown>,
): Promise<Measured> {
  const before = useOf(host.pid);
  const beganMs = performance.now();
  await work();
  const seconds = (performance.now() - beganMs) / 1000;
  const after = useOf(host.pid);
  const cpuSeconds = before === undefined || after === undefined ? undefined : after.cpuSeconds - before.cpuSeconds;
  return { ...what, seconds, perSecond: what.count / seconds, cpuSeconds };
}
