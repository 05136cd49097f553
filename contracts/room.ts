/** How much room a move promises itself on the destination's volume. One place, so that preflight and the promise never differ. */

/** For tables, logs, and what the guest writes into a differencing disk meanwhile. */
const spareBytesMin = 256 * 1024 * 1024;

/** Bytes for a copy of a VM by the byte route, or for its files while they are moved: a tenth more than its data, and its saved memory. */
export const roomForCopyBytes = (dataBytes: number, memoryBytes: number): number =>
  dataBytes + Math.max(spareBytesMin, Math.ceil(dataBytes / 10)) + memoryBytes;

/** Bytes for files that are taken over as they are: by the hypervisor, or by an import. */
export const roomForFilesBytes = (fileBytes: number): number => fileBytes + spareBytesMin;
