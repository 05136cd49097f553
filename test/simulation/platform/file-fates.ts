/** What programs do to files, as faults see it. */
export type FileAct = {
  readonly kind: 'read' | 'write' | 'resize' | 'sync' | 'names';
  /** Within the machine. */
  readonly path: string;
  readonly lengthBytes: number;
};

/** What becomes of it. `dies`: the program ends during it, with a part of it done. */
export type FileFate =
  | { readonly kind: 'done' }
  | { readonly kind: 'error'; readonly code: 'ENOSPC' | 'EIO' }
  | { readonly kind: 'dies' }
  /** One bit of what is read is another. */
  | { readonly kind: 'damaged'; readonly bit: number };

export const done: FileFate = { kind: 'done' };

/** Thrown as Node throws it: the errors of its files have no stack, since they come from another thread. */
export class SystemError extends Error {
  constructor(
    readonly code: string,
    readonly syscall: string,
    readonly path: string,
  ) {
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super(`${code}: ${descriptions[code] ?? 'failed'}, ${syscall} '${path}'`);
    Error.stackTraceLimit = stackTraceLimit;
  }
}

const descriptions: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or directory',
  EEXIST: 'file already exists',
  ENOSPC: 'no space left on device',
  EIO: 'i/o error',
  ENOTDIR: 'not a directory',
  EISDIR: 'illegal operation on a directory',
  ENOTEMPTY: 'directory not empty',
  EBADF: 'bad file descriptor',
};
