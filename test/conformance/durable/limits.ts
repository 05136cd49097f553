/** Bytes of a request's body at most, for the cases about that. */
export const bodyBytesMax = 1_000_000;
