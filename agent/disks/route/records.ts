import { batchDataBytesMax } from './limits';

/**
 * What stands on the TCP connection of the byte route: records, each a kind (u8), the length of what follows (u32, little-endian), and that.
 */
export const recordKinds = {
  /** Bytes of a TLS 1.3 connection, as they come: its handshake and everything that is said but content. */
  tls: 1,
  /** Content of the source: its number (u64), and what is sealed of it (`sealing.ts`). On any stream of a pull. */
  sealed: 2,
  /** The first record of a further stream: which pull it belongs to (`stream-tokens.ts`). */
  join: 3,
} as const;

/** Kind u8, length u32. */
export const recordHeadBytes = 5;
/** Nobody has to keep what stands in such a record, so this bounds nothing but nonsense. */
export const tlsRecordBytesMax = 1024 * 1024;
/** The number of a sealed record, before what is sealed. */
export const recordNumberBytes = 8;
/** Frames in one sealed record: data of one batch, and the heads of many small frames. */
export const sealedContentBytesMax = batchDataBytesMax + 64 * 1024;

/** The head of a record that has so many bytes behind it. */
export function recordHead(kind: keyof typeof recordKinds, lengthBytes: number): Buffer {
  const head = Buffer.alloc(recordHeadBytes);
  head[0] = recordKinds[kind];
  head.writeUInt32LE(lengthBytes, 1);
  return head;
}
