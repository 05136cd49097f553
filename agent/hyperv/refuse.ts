import { failed, failureOf, type Failure } from '../../contracts/failure';
import type { FailureCode } from '../../contracts/failure-codes';
import type { VmId } from '../../contracts/ids';

/** A refusal that names the VM. Nothing was touched. */
export const refuse = (
  code: FailureCode,
  vm: VmId,
  message: string,
  native?: string,
): { readonly ok: false; readonly failure: Failure } =>
  failed(failureOf(code, { message, subject: { vmId: vm }, effect: 'none', ...(native !== undefined && { native }) }));
