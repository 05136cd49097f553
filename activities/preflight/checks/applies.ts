import {
  kinds,
  destinationFolderOf,
  destinationHostOf,
  type Kind,
  type MigrationRequest,
} from '../../../contracts/migration';
import type { Scenario } from '../check';

/** Which kinds a check is about, in words that many checks share. */

export const everyKind: readonly Kind[] = kinds;
/** Kinds that begin with a VM of the source host. */
export const ofVm: readonly Kind[] = kinds.filter((kind) => kind !== 'import');
/** Kinds that can bring a VM to another host. */
export const moves: readonly Kind[] = ofVm.filter((kind) => kind !== 'export' && kind !== 'storage');
/** Kinds whose bytes the byte route carries. */
export const byRoute: readonly Kind[] = ['lan', 'quick-storage', 'warm'];
/** Kinds that take the files of the VM to a folder. */
export const toFolder: readonly Kind[] = [...byRoute, 'storage', 'shared-nothing', 'export', 'import'];
/** Kinds whose files stay where both hosts reach them. */
export const inCluster: readonly Kind[] = ['live', 'quick'];
/** Kinds for which the hypervisor sends the memory of the running VM over. */
export const byLiveMigration: readonly Kind[] = ['live', 'shared-nothing'];

export const toOtherHost: Scenario = {
  when: 'to another host',
  holds: (request) => destinationHostOf(request) !== request.sourceHost,
};

export const intoFolder: Scenario = {
  when: 'where the request names a folder',
  holds: (request) => destinationFolderOf(request) !== undefined,
};

export const wholeExport: Scenario = {
  when: 'but not for an export of less than the whole VM',
  holds: (request) => request.kind !== 'export' || request.part === 'whole',
};

/** How a VM that runs is stopped by a kind that stops it. */
export const stopsBy = (request: MigrationRequest): 'save' | 'shut-down' | 'not' => {
  switch (request.kind) {
    case 'lan':
    case 'warm':
      return request.policy.stop;
    case 'quick':
    case 'san':
    case 'quick-storage':
      return 'save';
    case 'live':
    case 'storage':
    case 'shared-nothing':
    case 'export':
    case 'import':
      return 'not';
  }
};

/** Whether the state of the memory goes along: of a VM that runs and is not shut down, or that is saved. */
export const carriesMemory = (request: MigrationRequest, state: 'off' | 'running' | 'saved'): boolean =>
  state === 'saved' || (state === 'running' && stopsBy(request) !== 'shut-down');
