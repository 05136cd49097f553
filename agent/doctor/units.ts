export const mib = 1024 ** 2;
const gib = 1024 ** 3;

/** Bytes for people: `12.3 GiB`. */
export const gibOf = (bytes: number): string => `${(bytes / gib).toFixed(1)} GiB`;

const dayMs = 24 * 3_600_000;
export const daysOf = (ms: number): number => Math.floor(ms / dayMs);
