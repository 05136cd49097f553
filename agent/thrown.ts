/**
 * What was thrown, by the fields that Node gives its errors. Not by `instanceof Error`: where modules run in a context of their own (jest
 * does that), Node's errors are of another realm.
 */
function fieldOf(thrown: unknown, field: 'code' | 'name'): string | undefined {
  if (typeof thrown !== 'object' || thrown === null || !(field in thrown)) return undefined;
  const value: unknown = Reflect.get(thrown, field);
  return typeof value === 'string' ? value : undefined;
}

/** The code of a system error, such as `ENOENT`. */
export const errorCode = (thrown: unknown): string | undefined => fieldOf(thrown, 'code');

/**
 * The failure code of a volume that does not take what is written to it: it is full, or its file system has no files so large. Undefined for
 * every other trouble.
 */
export function refusalOfVolume(thrown: unknown): 'DiskFull' | 'NotEnoughRoom' | undefined {
  switch (errorCode(thrown)) {
    case 'ENOSPC':
    case 'EDQUOT':
      return 'DiskFull';
    case 'EFBIG':
      return 'NotEnoughRoom';
    default:
      return undefined;
  }
}

/** Whether the address that was to be listened on is taken. */
export const isAddressTaken = (thrown: unknown): boolean => errorCode(thrown) === 'EADDRINUSE';

/** Whether work ended because its signal was aborted. */
export const isAbort = (thrown: unknown): boolean => fieldOf(thrown, 'name') === 'AbortError';
