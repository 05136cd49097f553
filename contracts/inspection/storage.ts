import { z } from 'zod';

/** What becomes of a request to Blob Storage that a host sends with access to read. */
export const storageMeetings = [
  /** Storage takes the access: whether there is such a blob is all that it says. */
  'admitted',
  'name-not-resolved',
  /** No connection comes about, or it is cut. */
  'not-connected',
  /** Nothing is said within the time for it. */
  'silent',
  /** TLS with an end whose certificate this host does not trust. */
  'certificate-refused',
  /** Something on the way answers in place of storage. */
  'answered-on-the-way',
  /** The firewall of the storage account does not admit the network of the host. */
  'network-refused',
  /** Storage does not take the access. */
  'access-refused',
  /** Storage answers that it cannot, for now. */
  'storage-failing',
] as const;

/** The storage of the staged route as a host finds it. */
export const storageInspection = z.object({
  /** Scheme, name and port that were asked. */
  endpoint: z.string(),
  meets: z.enum(storageMeetings),
  /** What was answered, or why nothing was. */
  told: z.string(),
  /** How far the clock of the host is ahead of that of storage, in milliseconds; null where storage told no time. */
  aheadMs: z.int().nullable(),
});
export type StorageInspection = z.infer<typeof storageInspection>;
