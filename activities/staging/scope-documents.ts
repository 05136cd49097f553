import { failed, failureOf, succeeded, type Outcome } from '../../contracts/failure';
import type { Documents } from '../storage/documents';
import { isEmpty, noScope, stagingScope, type StagingScope } from './scope';

const folder = 'staging/';
const pathOf = (scope: string): string => `${folder}${scope}.json`;

/** A writer that lost the race for the ETag this often gives up; whoever called tries again. */
const raceAttemptsMax = 8;

/** Scopes that have containers. */
export async function listScopes(documents: Documents): Promise<Outcome<string[]>> {
  const paths = await documents.list(folder);
  if (!paths.ok) return paths;
  return succeeded(paths.value.map((path) => path.slice(folder.length, -'.json'.length)));
}

/**
 * Changes the document of a scope, made where it is not there, and answers what it is then. `change` may be called again when another was
 * faster; what it answers as undefined changes nothing, and undefined is answered. One that is empty afterwards is removed.
 */
export async function changeScope(
  documents: Documents,
  scope: string,
  change: (found: StagingScope) => StagingScope | undefined,
): Promise<Outcome<StagingScope | undefined>> {
  for (let attempt = 1; attempt <= raceAttemptsMax; attempt += 1) {
    const stored = await documents.read(pathOf(scope), stagingScope);
    if (!stored.ok) return stored;
    const found = stored.value?.value ?? noScope;
    const changed = change(found);
    if (changed === undefined) return succeeded(undefined);
    if (JSON.stringify(changed) === JSON.stringify(found) && stored.value !== undefined && !isEmpty(found))
      return succeeded(found);
    const written = await write(documents, pathOf(scope), changed, stored.value?.etag);
    if (!written.ok) return written;
    if (written.value === 'written') return succeeded(changed);
  }
  return failed(
    failureOf('StorageUnavailable', { message: `The staging scope ${scope} is being written by too many at once.` }),
  );
}

async function write(
  documents: Documents,
  path: string,
  scope: StagingScope,
  etag: string | undefined,
): Promise<Outcome<'written' | 'changed'>> {
  if (etag === undefined) {
    if (isEmpty(scope)) return succeeded('written');
    const created = await documents.create(path, scope);
    return created.ok ? succeeded(created.value === 'created' ? 'written' : 'changed') : created;
  }
  const replaced = isEmpty(scope)
    ? await documents.removeIfSame(path, etag)
    : await documents.replace(path, scope, etag);
  return replaced.ok ? succeeded(replaced.value === 'changed' ? 'changed' : 'written') : replaced;
}
