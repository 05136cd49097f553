import type { FailureCode } from '../../../../contracts/failure-codes';
import { failureOf, type Failure } from '../../../../contracts/failure';
import type { VmId } from '../../../../contracts/ids';
import type { MoveJob } from '../calls/moves';

/**
 * Why a migration job failed, by the numbers that stand in what it says, which no language changes: HRESULTs, and the ids of messages and
 * events of Hyper-V. Its error code is that of any failed method (32768), and tells little.
 */
const byHresult: Readonly<Record<string, FailureCode>> = {
  '0X80070005': 'AccessDenied',
  '0X80070569': 'AccessDenied',
  '0X8009030E': 'DelegationMissing',
  '0X8009030D': 'DelegationMissing',
  '0X80090322': 'DelegationMissing',
  '0X8007052F': 'DelegationMissing',
  '0X800705AA': 'NotEnoughMemory',
  '0X8007000E': 'NotEnoughMemory',
  '0X80070070': 'NotEnoughRoom',
  '0X80071398': 'NotClustered',
};

const byMessage: Readonly<Record<string, FailureCode>> = {
  '21501': 'MigrationLimitReached',
  '33012': 'SwitchMissing',
  '21125': 'SwitchMissing',
  '21024': 'VlanMissing',
  '32784': 'ConfigurationVersionUnsupported',
};

const byErrorCode: Readonly<Record<number, FailureCode>> = {
  32769: 'AccessDenied',
  32774: 'VmBusy',
  32775: 'VmStateWrong',
  32778: 'NotEnoughMemory',
};

const charactersMax = 1000;

/** A job that failed, as a failure. `effect` is what a look at the VM afterwards says, not the job. */
export function failureOfJob(vmId: VmId, job: MoveJob, effect: Failure['effect']): Failure {
  const texts = [job.description, ...job.errors.map(({ text }) => text)].filter((text) => text !== '');
  const numbers = texts.flatMap((text) => text.match(/0x[0-9a-f]{8}/gi) ?? []);
  const hresult = numbers.find((number) => Object.hasOwn(byHresult, number.toUpperCase()));
  const messageId = job.errors.map(({ id }) => id.replace(/^\D+/, '')).find((id) => Object.hasOwn(byMessage, id));
  const code =
    (hresult === undefined ? undefined : byHresult[hresult.toUpperCase()]) ??
    (messageId === undefined ? undefined : byMessage[messageId]) ??
    byErrorCode[job.errorCode] ??
    'MoveFailed';
  const number = hresult ?? (messageId === undefined ? numbers[0] : `message ${messageId}`);
  const told = texts.length === 0 ? 'Hyper-V says nothing more' : [...new Set(texts)].join(' ');
  return failureOf(code, {
    message: `Hyper-V could not move VM ${vmId}: ${told}`.slice(0, charactersMax),
    subject: { vmId },
    effect,
    native: number ?? `job error ${job.errorCode}`,
  });
}
