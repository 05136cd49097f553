import { z } from 'zod';

/** What the worker tells of an error of PowerShell, Hyper-V or a handler. The message is for people: it is in the language of the host. */
export const nativeError = z.object({
  message: z.string(),
  type: z.string(),
  fullyQualifiedId: z.string(),
  /** `ErrorIdentifier` of an exception of the Hyper-V module. */
  identifier: z.string(),
  category: z.string(),
  hresult: z.string(),
  innerHresult: z.string(),
  /** Of a WMI method that did not succeed. */
  returnValue: z.number().nullable(),
  /** Of a job of the hypervisor that failed. */
  jobErrorCode: z.number().nullable(),
  /** It came once something was changed, or begun. */
  changed: z.boolean().default(false),
  /** Every 0x######## that the message has, which no language changes. */
  codes: z.array(z.string()),
  at: z.string(),
});
export type NativeError = z.infer<typeof nativeError>;
