import { vmId } from '../../../contracts/ids';
import type { VmValue } from './calls/vm';
import { isChanging, isMerging, isSettled, sizesOf, stateOf, vmFactsOf } from './facts';
import type { NativeError } from './worker/native-error';

/** Every state of VMState. */
const states: Readonly<Record<string, readonly [plain: string, changing: boolean]>> = {
  Running: ['running', false],
  Off: ['off', false],
  Saved: ['saved', false],
  Paused: ['running', false],
  FastSaved: ['saved', false],
  Stopping: ['running', true],
  Starting: ['running', true],
  Reset: ['running', true],
  Saving: ['running', true],
  Pausing: ['running', true],
  Resuming: ['running', true],
  FastSaving: ['running', true],
  ForceShutdown: ['running', true],
  ForceReboot: ['running', true],
};

test.each(Object.entries(states))('%s is told as it is, critical or not', (state, [plain, changing]) => {
  for (const one of [state, `${state}Critical`]) {
    expect(stateOf({ state: one })).toBe(plain);
    expect(isChanging({ state: one })).toBe(changing);
    expect(isSettled({ state: one })).toBe(['Running', 'Off', 'Saved'].includes(one));
  }
});

const image = { path: 'D:\\a.vhdx', format: 'VHDX', kind: 'Dynamic', virtualSizeBytes: 10, fileSizeBytes: 5 };
const disk = { controller: 'SCSI', number: 0, location: 1, path: 'D:\\a.vhdx', images: [image], error: null };
const vm: VmValue = {
  id: vmId.parse('6f9619ff-8b86-d011-b42d-00c04fc964ff'),
  name: 'web01',
  state: 'Running',
  generation: 2,
  version: '10.0',
  processorCount: 2,
  memoryStartupBytes: 100,
  memoryAssignedBytes: 300,
  switchName: null,
  configurationPath: 'D:\\a.vmcx',
  runtimeStatePath: 'D:\\a.vmrs',
  runtimeStateBytes: 0,
  notes: 'mine\n[hyperferry reserved=m-1-r1]',
  heartbeat: 'OkApplicationsHealthy',
  operationalStatus: [2],
  disks: [disk],
  checkpoints: [],
};

test('a VM with dynamic memory needs what it has, not what it began with', () => {
  expect(vmFactsOf(vm).memoryBytes).toBe(300);
  expect(vmFactsOf({ ...vm, state: 'Off', memoryAssignedBytes: 0 }).memoryBytes).toBe(100);
});

test('a heartbeat is only what a running guest shows', () => {
  const heartbeats = [vm, { ...vm, heartbeat: 'NoContact' }, { ...vm, heartbeat: '' }, { ...vm, state: 'Saved' }];
  expect(heartbeats.map((one) => vmFactsOf(one).heartbeat)).toEqual(['ok', 'lost', 'lost', 'none']);
});

test('a disk on a controller that has no place among disk ids is left out of facts', () => {
  expect(vmFactsOf({ ...vm, disks: [disk, { ...disk, controller: 'PMEM' }] }).disks).toHaveLength(1);
});

test('a disk whose files cannot be told is the failure that its error means, with disk and path', () => {
  const error: NativeError = {
    message: 'in use',
    type: 'X',
    fullyQualifiedId: 'X',
    identifier: '',
    category: 'NotSpecified',
    hresult: '0x80070020',
    innerHresult: '',
    returnValue: null,
    jobErrorCode: null,
    changed: false,
    codes: [],
    at: '',
  };
  expect(sizesOf({ ...vm, disks: [disk, { ...disk, location: 2, images: [], error }] })).toMatchObject({
    failure: { code: 'VmBusy', effect: 'none', subject: { diskId: 'scsi-0-2', value: 'D:\\a.vhdx' } },
  });
});

test('only jobs that change the chains count as a merge', () => {
  const statuses = [[2], [11, 32772], [11, 32770], [11, 32774], []];
  expect(statuses.map((operationalStatus) => isMerging({ ...vm, operationalStatus }))).toEqual([
    false,
    true,
    true,
    false,
    false,
  ]);
});
