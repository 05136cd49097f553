import { createCipheriv, createDecipheriv } from 'node:crypto';
import type { StagingKeys } from './keys';

const algorithm = 'aes-256-gcm';
const sealBytes = 16;
/** Each key seals one content, so that one nonce does: the same content sealed again is the same bytes. */
const nonce = Buffer.alloc(12);
const purpose = Buffer.from('hyperferry-staged-block-v1');

/** A block as it is stored: as long as its content, and the seal behind it. */
export const sealedBytesOf = (contentBytes: number): number => contentBytes + sealBytes;

/** Seals content by AES-256-GCM, with a key that is of this content alone. */
export function sealBlock(keys: StagingKeys, address: string, content: Uint8Array): Buffer {
  const cipher = createCipheriv(algorithm, keys.blockKey(address), nonce);
  cipher.setAAD(purpose);
  return Buffer.concat([cipher.update(content), cipher.final(), cipher.getAuthTag()]);
}

/** The content of a block; undefined when these bytes are not what was sealed under that name. */
export function openBlock(keys: StagingKeys, address: string, sealed: Buffer): Buffer | undefined {
  if (sealed.length < sealBytes) return undefined;
  const decipher = createDecipheriv(algorithm, keys.blockKey(address), nonce, { authTagLength: sealBytes });
  decipher.setAAD(purpose);
  decipher.setAuthTag(sealed.subarray(sealed.length - sealBytes));
  const content = decipher.update(sealed.subarray(0, sealed.length - sealBytes));
  try {
    decipher.final();
    return content;
  } catch {
    // The one thing that `final` throws here is that the seal does not fit.
    return undefined;
  }
}
