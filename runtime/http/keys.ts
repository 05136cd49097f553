import { randomBytes, timingSafeEqual } from 'node:crypto';
import { chmodSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { describeThrown } from '../../contracts/failure';
import { StateUnusable } from '../store/database';
import { keysFile } from '../store/layout';

const keys = z.object({
  /** Opens everything. */
  master: z.string().min(20),
  /** Open every function of level "function". */
  functions: z.object({ default: z.string().min(20) }),
  /** Keys of one function, by its name in lower case, added by hand. */
  perFunction: z.record(z.string(), z.record(z.string(), z.string().min(1))).default({}),
  /** Opens the durable management API. */
  durabletask_extension: z.string().min(20),
});
export type Keys = z.infer<typeof keys>;

const keyBytes = 40;

/** The keys of the app, from the state folder; made there, readable by the owner alone, when there are none. Throws `StateUnusable` when the file cannot be read. */
export function loadKeys(stateFolder: string): Keys {
  const path = join(stateFolder, keysFile);
  if (existsSync(path)) return readKeys(path);
  const made = makeKeys();
  const temporary = `${path}.new`;
  writeFileSync(temporary, JSON.stringify(made, undefined, 2), { mode: 0o600 });
  chmodSync(temporary, 0o600);
  renameSync(temporary, path);
  return made;
}

function readKeys(path: string): Keys {
  try {
    return keys.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (thrown) {
    const reason = thrown instanceof z.ZodError ? z.prettifyError(thrown) : describeThrown(thrown);
    const remedy = 'Mend it, or remove it: new keys are made then, and the old ones open nothing any more.';
    throw new StateUnusable(`${path} cannot be read: ${reason}.`, remedy, { cause: thrown });
  }
}

export function makeKeys(): Keys {
  const key = (): string => randomBytes(keyBytes).toString('base64url');
  return { master: key(), functions: { default: key() }, perFunction: {}, durabletask_extension: key() };
}

export type AuthLevel = 'anonymous' | 'function' | 'admin';

/** An app's auth level; an unknown one is taken for the strictest. */
export function authLevelOf(text: string): AuthLevel {
  switch (text.toLowerCase()) {
    case 'anonymous':
      return 'anonymous';
    case 'function':
    case 'user':
    case 'system':
      return 'function';
    default:
      return 'admin';
  }
}

/** Whether a key opens a function: the master key opens all, function keys those of level "function". */
export function opensFunction(
  keysOfApp: Keys,
  level: AuthLevel,
  functionName: string,
  offered: string | undefined,
): boolean {
  if (level === 'anonymous') return true;
  if (offered === undefined) return false;
  if (isSame(offered, keysOfApp.master)) return true;
  if (level === 'admin') return false;
  const own = Object.values(keysOfApp.perFunction[functionName.toLowerCase()] ?? {});
  return [keysOfApp.functions.default, ...own].some((key) => isSame(offered, key));
}

export const opensDurableApi = (keysOfApp: Keys, offered: string | undefined): boolean =>
  offered !== undefined && (isSame(offered, keysOfApp.durabletask_extension) || isSame(offered, keysOfApp.master));

export const opensAdmin = (keysOfApp: Keys, offered: string | undefined): boolean =>
  offered !== undefined && isSame(offered, keysOfApp.master);

/** Compares in a time that does not tell how much was right. */
function isSame(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
