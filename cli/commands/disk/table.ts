/* eslint-disable @typescript-eslint/no-require-imports, @typescript-eslint/consistent-type-imports --
   a file is loaded when its command is asked for; import() would do as much for a process, and nothing under Jest */
import type { Loaded } from '../asked';

/** The commands behind `hyperferry disk`, in the order of the help. */
export const commands: readonly Loaded[] = [
  { names: ['info'], load: () => (require('./info') as typeof import('./info')).registerInfo },
  { names: ['check'], load: () => (require('./check') as typeof import('./check')).registerCheck },
  { names: ['map'], load: () => (require('./map') as typeof import('./map')).registerMap },
  { names: ['digest'], load: () => (require('./digest') as typeof import('./digest')).registerDigest },
  { names: ['compare'], load: () => (require('./compare') as typeof import('./compare')).registerCompare },
  { names: ['changes'], load: () => (require('./changes') as typeof import('./changes')).registerChanges },
  { names: ['prove'], load: () => (require('./prove') as typeof import('./prove')).registerProve },
  { names: ['copy'], load: () => (require('./copy') as typeof import('./copy')).registerCopy },
  { names: ['convert'], load: () => (require('./convert') as typeof import('./convert')).registerConvert },
  { names: ['merge'], load: () => (require('./merge') as typeof import('./merge')).registerMerge },
  { names: ['resize'], load: () => (require('./resize') as typeof import('./resize')).registerResize },
];
