import { failureCodes, type FailureCode } from '../../../../contracts/failure-codes';
import { failureOf, type Failure } from '../../../../contracts/failure';
import type { NativeError } from './native-error';

type Rule = { readonly code: FailureCode; readonly effect: Failure['effect'] };

/** HRESULTs, NTSTATUS values among them, as the Hyper-V module and its WMI provider give them. */
const byHresult: Readonly<Record<string, Rule>> = {
  '0x80070005': { code: 'AccessDenied', effect: 'none' },
  '0x80070569': { code: 'AccessDenied', effect: 'none' },
  '0x8009030E': { code: 'DelegationMissing', effect: 'none' },
  '0x8009030D': { code: 'DelegationMissing', effect: 'none' },
  '0x80090322': { code: 'DelegationMissing', effect: 'none' },
  '0x8007000E': { code: 'NotEnoughMemory', effect: 'none' },
  '0x800705AA': { code: 'NotEnoughMemory', effect: 'none' },
  '0x80070020': { code: 'VmBusy', effect: 'none' },
  '0x80070070': { code: 'DiskFull', effect: 'unknown' },
  '0x800706BA': { code: 'HyperVSilent', effect: 'unknown' },
  '0x80072746': { code: 'HyperVSilent', effect: 'unknown' },
  '0x8007274C': { code: 'HyperVSilent', effect: 'unknown' },
  '0x8007274D': { code: 'HyperVSilent', effect: 'unknown' },
};

/** What methods of root\virtualization\v2 return; a job that failed has the same numbers as its error code. */
const byReturnValue: Readonly<Record<number, Rule>> = {
  32769: { code: 'AccessDenied', effect: 'none' },
  32772: { code: 'HyperVSilent', effect: 'unknown' },
  32773: { code: 'RequestInvalid', effect: 'none' },
  32774: { code: 'VmBusy', effect: 'none' },
  32775: { code: 'VmStateWrong', effect: 'none' },
  32778: { code: 'NotEnoughMemory', effect: 'none' },
};

/** Identifiers of exceptions of the Hyper-V module, which open the fully qualified id of the error too. */
const byIdentifier: Readonly<Record<string, Rule>> = {
  AccessDenied: { code: 'AccessDenied', effect: 'none' },
  InvalidState: { code: 'VmStateWrong', effect: 'none' },
  OutOfMemory: { code: 'NotEnoughMemory', effect: 'none' },
};

const ownCode = /^hyperferry\.(\w+)(?:,|$)/;
const bindingIds =
  /^(?:ParameterArgumentValidationError|ParameterArgumentTransformationError|MissingMandatoryParameter|NamedParameterNotFound)/;

const isFailureCode = (text: string): text is FailureCode => Object.hasOwn(failureCodes, text);

type Found = { readonly rule: Rule; readonly native?: string };

function find(error: NativeError): Found | undefined {
  const { fullyQualifiedId, identifier, category } = error;
  const own = ownCode.exec(fullyQualifiedId)?.[1];
  if (own !== undefined && isFailureCode(own)) return { rule: { code: own, effect: 'none' } };
  if (bindingIds.test(fullyQualifiedId)) return { rule: { code: 'RequestInvalid', effect: 'none' } };
  for (const [value, from] of [
    [error.returnValue, 'return value'],
    [error.jobErrorCode, 'job error'],
  ] as const) {
    const rule = value === null ? undefined : byReturnValue[value];
    if (rule !== undefined) return { rule, native: `${from} ${value}` };
  }
  for (const hresult of [error.hresult, error.innerHresult, ...error.codes]) {
    const native = hresult.replace(/[a-f]/g, (digit) => digit.toUpperCase());
    const rule = byHresult[native];
    if (rule !== undefined) return { rule, native };
  }
  const named = identifier === '' ? fullyQualifiedId.replace(/,.*$/s, '') : identifier;
  const rule = byIdentifier[named];
  if (rule !== undefined) return { rule, native: named };
  if (category === 'PermissionDenied' || category === 'SecurityError')
    return { rule: { code: 'AccessDenied', effect: 'none' }, native: category };
  return undefined;
}

const nativeCharactersMax = 60;

/** The number by which a person finds the error in the documentation of Hyper-V: of the message, else of the exception. */
const nativeOf = ({ codes, returnValue, jobErrorCode, fullyQualifiedId, hresult }: NativeError): string => {
  if (returnValue !== null) return `return value ${returnValue}`;
  if (jobErrorCode !== null) return `job error ${jobErrorCode}`;
  return codes[0] ?? (fullyQualifiedId === '' ? hresult : fullyQualifiedId);
};

function effectOf({ jobErrorCode, changed }: NativeError, { effect }: Rule): Failure['effect'] {
  // A job that failed had begun.
  if (jobErrorCode !== null) return 'unknown';
  return changed && effect === 'none' ? 'applied' : effect;
}

/**
 * An error of the worker as a failure, by its ids and numbers and never by its text, which Windows translates. `changes`: whether the call
 * could have changed anything; an error that is not known then leaves the effect unknown, so that the host itself is asked.
 */
export function classify(error: NativeError, changes: boolean, subject: Failure['subject'] = {}): Failure {
  const found = find(error) ?? { rule: { code: 'HyperVRefused', effect: 'unknown' } as const };
  return failureOf(found.rule.code, {
    message: error.message,
    subject,
    effect: changes ? effectOf(error, found.rule) : 'none',
    native: (found.native ?? nativeOf(error)).slice(0, nativeCharactersMax),
  });
}
