import type { z } from 'zod';
import type { problem } from '../../contracts/problem';

/** A problem document as it came: its code may be one that this version does not know. */
export type ProblemDocument = z.infer<typeof problem>;

/** Why a request did not get what it asked for. */
export type ApiError =
  | {
      readonly kind: 'unreachable';
      readonly url: string;
      readonly message: string;
      /** A connection stood when it broke: the request may have been carried out, and its answer lost. */
      readonly mayHaveArrived: boolean;
    }
  /** 503 without a body: the Functions host answers, and the app behind it does not yet. */
  | { readonly kind: 'starting'; readonly url: string }
  | { readonly kind: 'problem'; readonly url: string; readonly status: number; readonly problem: ProblemDocument }
  | { readonly kind: 'unreadable'; readonly url: string; readonly status: number; readonly message: string };

export type ApiResult<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: ApiError };

/** Whether the same request may get an answer in a while, without anybody changing it. */
export function isPassing(error: ApiError): boolean {
  switch (error.kind) {
    case 'unreachable':
    case 'starting':
      return true;
    case 'problem':
    case 'unreadable':
      return error.status >= 500 || error.status === 429;
  }
}
