import type { Failure } from '../../../contracts/failure';

/** Where a block is stored. */
export const blockName = (address: string): string => `blocks/${address}`;

/**
 * Where sealed blocks and manifests stand: names with bytes, each written once and never changed. Trouble is thrown as `StoreError`.
 */
export type BlockStore = {
  has(name: string): Promise<boolean>;
  /** Writes what is not there yet, all of it or nothing. */
  put(name: string, bytes: Buffer): Promise<'put' | 'there'>;
  /** Undefined where nothing of that name is. */
  get(name: string, bytesMax: number): Promise<Buffer | undefined>;
};

/** Why a store did not do what it was asked. */
export type StoreTrouble =
  /** It cannot be reached, is busy, or asks to come again. */
  | 'away'
  /** It does not accept the access that was shown, or not any more. */
  | 'no-access'
  /** The container is gone. */
  | 'gone'
  /** What it answered is longer than anything that was put. */
  | 'too-long';

export class StoreError extends Error {
  readonly trouble: StoreTrouble;

  constructor(trouble: StoreTrouble, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StoreError';
    this.trouble = trouble;
  }
}

/** A failure of staging, thrown where an interface has no room for a value; it never leaves agent/disks/staged. */
export class StagingError extends Error {
  readonly failure: Failure;

  constructor(failure: Failure, options?: ErrorOptions) {
    super(failure.message, options);
    this.name = 'StagingError';
    this.failure = failure;
  }
}
