import type { StagingAccess } from '../../../contracts/operations';

/** The access of an operation under way, which the app renews. */
export class AccessHolder {
  #current: StagingAccess;
  #renewed = Promise.withResolvers<undefined>();

  constructor(access: StagingAccess) {
    this.#current = access;
  }

  get current(): StagingAccess {
    return this.#current;
  }

  /** Resolves when there is another access than now. */
  get renewed(): Promise<undefined> {
    return this.#renewed.promise;
  }

  /**
   * Takes an access that ends later than the one that is there; another is an older one that came late. Access to another container is not
   * taken: that one goes with another key, as after a change of the app's signing key, and the next attempt is given both.
   */
  renew(access: StagingAccess): void {
    if (access.containerUrl !== this.#current.containerUrl) return;
    if (access.expiresAtMs <= this.#current.expiresAtMs) return;
    this.#current = access;
    this.#renewed.resolve(undefined);
    this.#renewed = Promise.withResolvers();
  }
}
