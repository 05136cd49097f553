import { failureOf } from '../../../contracts/failure';
import { within, type Clock } from '../../clock';
import type { StagingAccess } from '../../../contracts/operations';
import type { AccessHolder } from './access';
import { StagingError, StoreError, type BlockStore } from './block-store';
import type { StagedPace } from './limits';

export type PatientStoreOptions = {
  readonly storeOf: (access: StagingAccess) => BlockStore;
  readonly access: AccessHolder;
  readonly clock: Clock;
  readonly pace: StagedPace;
  readonly signal: AbortSignal;
  /** What it waits for; null when it goes on. */
  readonly onWait: (reason: string | null) => void;
};

/**
 * A store that is asked again while it is away, and with new access when the old one is not accepted any more. Throws `StagingError`:
 * `StorageUnavailable` when it was away for too long, `StagingAccessEnded` when nobody renewed the access, `StagedContentMissing` when the
 * container is gone, `StagedContentDamaged`, `CanceledByOperator`.
 */
export class PatientStore implements BlockStore {
  readonly #options: PatientStoreOptions;
  #store: { readonly of: StagingAccess; readonly store: BlockStore } | undefined;
  #waiting = 0;

  constructor(options: PatientStoreOptions) {
    this.#options = options;
  }

  has(name: string): Promise<boolean> {
    return this.#call((store) => store.has(name));
  }

  put(name: string, bytes: Buffer): Promise<'put' | 'there'> {
    return this.#call((store) => store.put(name, bytes));
  }

  get(name: string, bytesMax: number): Promise<Buffer | undefined> {
    return this.#call((store) => store.get(name, bytesMax));
  }

  async #call<T>(work: (store: BlockStore) => Promise<T>): Promise<T> {
    const { clock, pace } = this.#options;
    let waitMs = pace.againMsMin;
    let awaySinceMs: number | undefined;
    for (;;) {
      this.#mayGoOn();
      const access = this.#options.access.current;
      const beganMs = clock.now();
      try {
        return await work(this.#storeOf(access));
      } catch (thrown) {
        if (!(thrown instanceof StoreError)) throw thrown;
        this.#mayGoOn();
        switch (thrown.trouble) {
          case 'gone':
            throw new StagingError(failureOf('StagedContentMissing', { message: thrown.message }), { cause: thrown });
          case 'too-long':
            throw new StagingError(failureOf('StagedContentDamaged', { message: thrown.message }), { cause: thrown });
          case 'no-access':
            await this.#newAccess(access, thrown);
            break;
          case 'away':
            awaySinceMs ??= beganMs;
            if (clock.now() - awaySinceMs > pace.awayMsMax)
              throw new StagingError(failureOf('StorageUnavailable', { message: thrown.message, effect: 'applied' }), {
                cause: thrown,
              });
            await this.#wait(thrown.message, () => clock.sleep(waitMs, this.#options.signal));
            waitMs = Math.min(2 * waitMs, pace.againMsMax);
        }
      }
    }
  }

  #storeOf(access: StagingAccess): BlockStore {
    if (this.#store?.of !== access) this.#store = { of: access, store: this.#options.storeOf(access) };
    return this.#store.store;
  }

  async #newAccess(refused: StagingAccess, error: StoreError): Promise<void> {
    const { access, clock, pace, signal } = this.#options;
    if (access.current !== refused) return;
    // Before anybody is told of the wait: who renews on that must not be missed.
    const { renewed } = access;
    const message = `the access to the staging container, until ${new Date(refused.expiresAtMs).toISOString()}, is not accepted: ${error.message}`;
    await this.#wait(message, () => within(clock, pace.accessMsMax, renewed, signal));
    this.#mayGoOn();
    if (access.current === refused)
      throw new StagingError(failureOf('StagingAccessEnded', { message }), { cause: error });
  }

  async #wait(reason: string, work: () => Promise<unknown>): Promise<void> {
    this.#waiting += 1;
    this.#options.onWait(reason);
    await work();
    this.#waiting -= 1;
    if (this.#waiting === 0) this.#options.onWait(null);
  }

  #mayGoOn(): void {
    if (this.#options.signal.aborted)
      throw new StagingError(failureOf('CanceledByOperator', { message: 'the staged copy was canceled' }));
  }
}
