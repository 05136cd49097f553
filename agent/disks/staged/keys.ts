import { createHmac, createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';

/** Length of the key that a batch has. */
export const batchKeyBytes = 32;

/**
 * What follows from the key of a batch (docs/decisions/0023): where a block is found, with which key each block is sealed, and with which
 * the manifests. Storage has none of them.
 */
export type StagingKeys = {
  /**
   * The name of content by its BLAKE3 and length: 64 hex digits. Equal content has equal names under one batch key, and nobody without the
   * key can tell what a name is of, nor whether two batches hold the same.
   */
  readonly addressOf: (contentDigest: Uint8Array, lengthBytes: number) => string;
  /** A key that seals one content, ever. */
  readonly blockKey: (address: string) => KeyObject;
  readonly manifestKey: KeyObject;
};

/** Throws when it is not `batchKeyBytes` long, which is a bug: it is checked where it comes in. */
export function stagingKeysFrom(batchKey: Uint8Array): StagingKeys {
  if (batchKey.length !== batchKeyBytes) throw new Error(`a batch key has ${batchKeyBytes} bytes`);
  const derived = (purpose: string): KeyObject =>
    createSecretKey(Buffer.from(hkdfSync('sha256', batchKey, '', `hyperferry-staged-${purpose}-v1`, 32)));
  const addressKey = derived('address');
  const blocksKey = derived('blocks');
  return {
    addressOf: (contentDigest, lengthBytes) => {
      const length = Buffer.alloc(8);
      length.writeBigUInt64LE(BigInt(lengthBytes));
      return createHmac('sha256', addressKey).update(length).update(contentDigest).digest('hex');
    },
    blockKey: (address) =>
      createSecretKey(createHmac('sha256', blocksKey).update(Buffer.from(address, 'hex')).digest()),
    manifestKey: derived('manifest'),
  };
}
