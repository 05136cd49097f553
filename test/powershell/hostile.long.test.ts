import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import { systemClock } from '../../agent/clock';
import { seededRandom } from '../../relay/random';
import { calls, type CallName } from '../../agent/hyperv/powershell/calls/definitions';
import { classify } from '../../agent/hyperv/powershell/worker/classify';
import { Lane, type LaneAnswer } from '../../agent/hyperv/powershell/worker/lane';
import type { Arguments } from '../../agent/hyperv/powershell/worker/worker';
import { createVm } from '../../agent/hyperv/simulated';
import { runId, type VmId } from '../../contracts/ids';
import { perform, valueOf } from '../conformance/hyperv-move';
import { smallVm, TestHosts } from '../simulated/test-hosts';
import { describeWithEngine, engine } from './engine';
import { hostileText } from './hostile';
import { makeGuardian, type MadeGuardian } from './make-guardian';
import { standInOver, workerEnvironment, type StandInHost } from './stand-in/host';
import { scriptsFolder } from '../../agent/hyperv/powershell/driver';

/** Values in all; more with HYPERFERRY_HOSTILE. */
const valueCount = Number(process.env['HYPERFERRY_HOSTILE'] ?? 1_000);
const seed = Number(process.env['HYPERFERRY_SEED'] ?? 1);
const msMax = 120_000;
jest.setTimeout(300_000 + valueCount * 200);

describeWithEngine('hostile values', () => {
  const hosts = new TestHosts();
  let host: StandInHost;
  let canary = '';
  beforeAll(() => hosts.make());
  beforeEach(async () => {
    const folder = await hosts.hostFolder('source');
    canary = join(folder, 'canary');
  });
  afterEach(async () => {
    await host.close();
    await hosts.close();
  });
  afterAll(() => hosts.remove());

  /** A lane that takes what the agent's own checks would refuse, so that the handlers' are seen. */
  const laneOver = () =>
    new Lane({
      engine: engine ?? { command: 'none', edition: 'powershell' },
      script: join(scriptsFolder, 'worker.ps1'),
      env: workerEnvironment(host.service),
      clock: systemClock,
      newGuid: randomUUID,
      noise: () => undefined,
      startMsMax: msMax,
      answerBytesMax: 1024 ** 2,
      callsMax: 1e9,
      endMsMax: msMax,
    });

  test('in every argument of every handler are refused, or taken as the text that they are', async () => {
    const folder = await hosts.hostFolder('source');
    host = await standInOver(await hosts.open('source'), folder);
    const random = seededRandom(seed);
    const lane = laneOver();
    const { vmId } = hosts;
    const guardian = makeGuardian('UntrustedGuardian');
    host.hyperV.guardians = [guardian];
    const before = await host.driver.vm(vmId);
    let notes = '';
    let taken = 0;
    for (let at = 0; at < valueCount; at++) {
      const names = Object.keys(calls) as CallName[];
      const call = names[at % names.length] ?? 'read-vms';
      const text = hostileText(random, canary);
      const { args, accepts } = given(call, text, { vmId, guardian, notes }, random);
      const answer = await lane.call(call, args, msMax);
      expect([seed, at, call, text, outcomeOf(answer)]).toEqual([
        seed,
        at,
        call,
        text,
        accepts ? 'value' : 'RequestInvalid',
      ]);
      if (call === 'make-switch' && accepts)
        expect((await host.hyperV.switches.list()).at(-1)).toMatchObject({ name: args['Name'], notes: args['Notes'] });
      if (call === 'set-notes' && accepts) {
        notes = String(args['Notes']);
        taken++;
        if (!/[\ud800-\udfff]/.test(text)) expect((await host.hyperV.vms())[0]?.notes).toBe(notes);
        else notes = (await host.hyperV.vms())[0]?.notes ?? '';
      }
    }
    await lane.close();
    const ofVms = host.service.changes.filter((change) => !/-firewall-rule$|^add-switch$/.test(change));
    expect(ofVms).toEqual(Array(taken).fill('set-notes'));
    await host.hyperV.setNotes(vmId, '');
    expect(await host.driver.vm(vmId)).toMatchObject({
      name: before?.name,
      state: before?.state,
      vmCheckpointCount: 0,
    });
    expect(existsSync(canary)).toBe(false);
  });

  test('as names of VMs mean the VM itself: nothing else is stopped, and every name is told as it is', async () => {
    const folder = await hosts.hostFolder('source');
    const random = seededRandom(seed + 1);
    const names = [
      '*',
      '?',
      'web[1]',
      'web1',
      '[a-z]*',
      '$(Stop-VM *)',
      ...Array.from({ length: 6 }, () => hostileText(random, canary).slice(0, 100).toWellFormed()),
    ];
    const ids: VmId[] = [];
    for (const [at, name] of names.entries()) {
      const disks = [{ virtualSizeBytes: 2 * 1024 ** 2, dataBytes: 0, blockSizeBytes: 1024 ** 2 }];
      const guest = { ...smallVm.guest, workAreaBytes: 65_536, outskirtsBytes: 65_536 };
      const id = valueOf(await createVm(folder, { ...smallVm, name: `vm${at}`, seed: 100 + at, disks, guest }));
      await rename(join(folder, 'vms', id, 'vm.json'), name);
      ids.push(id);
    }
    host = await standInOver(await hosts.open('source'), folder);
    const told = await host.driver.vms();
    for (const [at, name] of names.entries()) expect(told.find(({ vmId }) => vmId === ids[at])?.name).toBe(name);
    for (const vmId of ids.slice(0, 4)) {
      const run = runId.parse(`hostile-${vmId}`);
      valueOf(await perform(host.driver, run, 'await-heartbeat', { vmId, waitMsMax: msMax }));
      valueOf(await perform(host.driver, run, 'reserve-vm', { vmId }));
      valueOf(await perform(host.driver, run, 'save-vm', { vmId }));
      const states = (await host.driver.vms()).filter(({ state }) => state !== 'running').map((vm) => vm.vmId);
      expect(states).toEqual([vmId]);
      valueOf(await perform(host.driver, run, 'resume-vm', { vmId }));
    }
    expect(existsSync(canary)).toBe(false);
  });
});

/** Gives a VM a name that no file could have. */
async function rename(vmFile: string, name: string): Promise<void> {
  const record: unknown = JSON.parse(await readFile(vmFile, 'utf8'));
  await writeFile(vmFile, JSON.stringify({ ...(record as object), name }));
}

const outcomeOf = (answer: LaneAnswer): string =>
  answer.type === 'error' ? classify(answer.error, true).code : answer.type;

/** Arguments with the text in one of them, and whether the handler takes it. */
function given(
  call: CallName,
  text: string,
  { vmId, guardian, notes }: { vmId: VmId; guardian: MadeGuardian; notes: string },
  random: () => number,
): { args: Arguments; accepts: boolean } {
  const inId = { args: { VmId: text, Name: 'hyperferry x', Expected: '', Notes: '' }, accepts: false };
  const only = (...names: string[]): { args: Arguments; accepts: boolean } => ({
    ...inId,
    args: Object.fromEntries(Object.entries(inId.args).filter(([name]) => names.includes(name))),
  });
  switch (call) {
    case 'read-host':
      return { args: { Roots: [text] }, accepts: true };
    case 'open-firewall':
      return { args: { HostId: text, Port: 4443, Program: '/node' }, accepts: /^[A-Za-z0-9_-]{1,100}$/.test(text) };
    case 'close-firewall':
      return { args: { HostId: text }, accepts: /^[A-Za-z0-9_-]{1,100}$/.test(text) };
    case 'read-doctor':
      return { args: { Roots: [text], MigrationPort: 6600, HostId: 'host-1' }, accepts: true };
    case 'read-events':
      return { args: { VmId: text, SinceMs: 0, Count: 3 }, accepts: false };
    case 'inspect-host':
      return { args: { Folder: text }, accepts: true };
    case 'read-switches':
    case 'read-guardians':
      return { args: {}, accepts: true };
    case 'make-switch':
    case 'set-switch-notes':
    case 'remove-switch':
      return withHostileSwitch(call, text, vmId, random);
    case 'export-guardian':
    case 'import-guardian':
      return withHostileGuardian(call, text, guardian, random);
    case 'read-vms':
    case 'inspect-vm':
    case 'read-reference-points':
    case 'read-move':
    case 'stop-live-move':
    case 'remove-planned-vm':
    case 'read-cluster-role':
      return only('VmId');
    case 'read-role-settings':
    case 'remove-cluster-role':
      return only('VmId');
    case 'add-cluster-role':
    case 'set-cluster-role':
      return { args: withHostileRole(call, text, vmId, random), accepts: false };
    case 'move-cluster-role':
      return { args: { VmId: random() < 0.5 ? text : vmId, Node: `${text}'` }, accepts: false };
    case 'read-changes':
      return { args: { VmId: text, Paths: [text], TrackingIds: [text] }, accepts: false };
    case 'take-recovery-checkpoint':
    case 'convert-checkpoint':
    case 'remove-recovery-checkpoint':
    case 'remove-reference-points':
      return { args: withHostileRound(call, text, vmId, random), accepts: false };
    case 'stop-move':
      return { args: { VmId: text, JobId: text }, accepts: false };
    case 'start-storage-move':
      return { args: { VmId: text, Folder: text, JobsBefore: [text] }, accepts: false };
    case 'start-live-move':
    case 'start-whole-move':
      return { args: withHostileMove(call, text, vmId, random), accepts: false };
    case 'set-notes':
      return random() < 0.5
        ? only('VmId', 'Expected', 'Notes')
        : { args: { VmId: vmId, Expected: notes, Notes: text }, accepts: true };
    case 'take-checkpoint':
    case 'remove-checkpoint':
      return random() < 0.5
        ? only('VmId', 'Name')
        : {
            args: { VmId: vmId, Name: random() < 0.5 ? `hyperferry ${text}'` : `${text}hyperferry x` },
            accepts: false,
          };
    case 'save-vm':
    case 'shut-down-vm':
    case 'start-vm':
    case 'lock-disks':
    case 'unlock-disks':
      return only('VmId');
    case 'unlock-files':
    case 'lock-files':
      return random() < 0.5
        ? { args: { VmId: text, DiskPaths: [] }, accepts: false }
        : { args: { VmId: vmId, DiskPaths: [text] }, accepts: true };
    case 'read-lun':
    case 'mount-lun':
    case 'dismount-lun':
    case 'remove-absent-vm':
      return { args: withHostileLun(call, text), accepts: false };
    case 'remove-vm':
      return { args: { VmId: text, Expected: '', DiskPaths: [text] }, accepts: false };
    case 'export-configuration':
      return { args: { VmId: text, Folder: text }, accepts: false };
    case 'begin-export':
      return { args: withHostileExport(text, vmId, random), accepts: false };
    case 'read-export-job':
      return { args: { VmId: text }, accepts: false };
    case 'read-job':
    case 'stop-job':
      return { args: { JobId: text }, accepts: false };
    case 'remove-planned':
      return { args: { Folder: text }, accepts: true };
    case 'read-import':
    case 'compare-import':
    case 'import-vm':
      return { args: withHostileImport(call, text, vmId, random), accepts: false };
  }
}

/** A call of pre-copy with the text in place of what is checked by a pattern. */
function withHostileRound(
  call: 'take-recovery-checkpoint' | 'convert-checkpoint' | 'remove-recovery-checkpoint' | 'remove-reference-points',
  text: string,
  vmId: VmId,
  random: () => number,
): Arguments {
  const ofVm = random() < 0.5 ? text : vmId;
  const guid = `${vmId}${text}`;
  switch (call) {
    case 'take-recovery-checkpoint':
      return { VmId: ofVm, Name: `hyperferry ${text}'`, Before: [guid] };
    case 'convert-checkpoint':
      return { VmId: ofVm, CheckpointId: guid, Before: [text] };
    case 'remove-recovery-checkpoint':
      return { VmId: ofVm, CheckpointId: guid };
    case 'remove-reference-points':
      return { VmId: text, PointIds: [text] };
  }
}

const oneOf = <T>(random: () => number, from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;

/** An export with the text in place of what is checked by a pattern or a list. */
function withHostileExport(text: string, vmId: VmId, random: () => number): Arguments {
  const sound = { VmId: vmId, Folder: '/none', Part: 'whole', CheckpointId: '' };
  return { ...sound, ...oneOf(random, [{ VmId: text }, { Part: text }, { CheckpointId: `${vmId}${text}'` }]) };
}

/** An import with the text in place of what is checked by a pattern. */
function withHostileImport(
  call: 'read-import' | 'compare-import' | 'import-vm',
  text: string,
  vmId: VmId,
  random: () => number,
): Arguments {
  const edits = {
    SwitchName: '',
    Disconnects: true,
    KeepsMemory: true,
    DiskIds: ['scsi-0-0'],
    DiskPaths: ['/none.vhdx'],
  };
  const ofAll = { ...edits, Path: '/none.vmcx' };
  const hostile = oneOf<Arguments>(random, [{ Path: `/none.vmcx${text}'` }, { DiskIds: ['scsi-0-0', text] }]);
  const inId = random() < 0.3 ? { VmId: text } : { VmId: vmId, ...hostile };
  switch (call) {
    case 'read-import':
      return { ...ofAll, Folder: text, ...hostile };
    case 'compare-import':
      return { ...ofAll, ...inId };
    case 'import-vm':
      return { ...ofAll, Folder: text, HasNewId: true, NewName: text.slice(0, 100), ...inId };
  }
}

/** A call about a LUN with the text in its id, which has a sign that no id of a disk has. */
function withHostileLun(call: 'read-lun' | 'mount-lun' | 'dismount-lun' | 'remove-absent-vm', text: string): Arguments {
  const Lun = `lun\u0001${text}`;
  const ofLun = { Lun, Path: text };
  switch (call) {
    case 'read-lun':
      return ofLun;
    case 'mount-lun':
      return { ...ofLun, IsReadOnly: true };
    case 'dismount-lun':
      return { ...ofLun, IsReadOnly: true, RemovesPath: true };
    case 'remove-absent-vm':
      return { VmId: text, Lun };
  }
}

/** A move with the text in place of what is checked by a pattern. */
function withHostileMove(
  call: 'start-live-move' | 'start-whole-move',
  text: string,
  vmId: VmId,
  random: () => number,
): Arguments {
  const sound = { VmId: vmId, DestinationHost: 'host-b', JobsBefore: [] };
  const hostile = random() < 0.5 ? { VmId: text } : { DestinationHost: `host-b${text}'` };
  return { ...sound, ...hostile, ...(call === 'start-whole-move' && { Folder: '/none', SwitchName: text }) };
}

/** A switch with the text in its name, which has a name of its own, or in place of what is checked by a pattern. */
function withHostileSwitch(
  call: 'make-switch' | 'set-switch-notes' | 'remove-switch',
  text: string,
  vmId: VmId,
  random: () => number,
): { args: Arguments; accepts: boolean } {
  const ofNone = { SwitchId: `${vmId}${text}`, Expected: text };
  if (call === 'remove-switch') return { args: ofNone, accepts: false };
  if (call === 'set-switch-notes') return { args: { ...ofNone, Notes: text }, accepts: false };
  const Name = `${text.toWellFormed()}${randomUUID()}`;
  const isName = Name.length <= 100 && /^(?! )[^\p{Cc}*?[\]`]+$/u.test(Name);
  return random() < 0.5
    ? { args: { Name, Type: 'Private', Notes: 'hostile' }, accepts: isName }
    : { args: { Name: 'lab', Type: text, Notes: text }, accepts: false };
}

/** A role with the text in place of what is checked by a pattern, a list, a length or a type. */
function withHostileRole(
  call: 'add-cluster-role' | 'set-cluster-role',
  text: string,
  vmId: VmId,
  random: () => number,
): Arguments {
  const owners = { PreferredOwners: [], PossibleOwners: [] };
  const numbers = { Priority: 0, FailoverThreshold: 0, FailoverPeriodHours: 0, AutoFailbackType: 0 };
  const windows = { FailbackWindowStart: 0, FailbackWindowEnd: 0 };
  const sound = { VmId: vmId, Settings: [], ...owners, ...numbers, ...windows, AntiAffinityClassNames: [text] };
  const hostile = oneOf<Arguments>(random, [
    { VmId: text },
    { Settings: ['priority', `${text}'`] },
    { PreferredOwners: [`host-b${text}'`] },
    { PossibleOwners: [`${text}'`] },
    { Priority: `${text}x` },
  ]);
  return call === 'set-cluster-role'
    ? { ...sound, ...hostile }
    : oneOf<Arguments>(random, [
        { VmId: text, Name: text },
        { VmId: vmId, Name: `${text}${'x'.repeat(261)}` },
      ]);
}

/** A guardian with the text as its name, which is a name as any other, or in place of what is checked by a pattern. */
function withHostileGuardian(
  call: 'export-guardian' | 'import-guardian',
  text: string,
  { signingThumbprint, encryptionThumbprint }: MadeGuardian,
  random: () => number,
): { args: Arguments; accepts: boolean } {
  const password = 'p'.repeat(43);
  const isAsName = random() < 0.5;
  if (call === 'export-guardian')
    return isAsName
      ? { args: { Name: text, Password: password }, accepts: text.length <= 256 }
      : { args: { Name: 'any', Password: `${password}${text}` }, accepts: false };
  // That of a guardian that is here: it is said to be here, whatever name is asked for.
  const here = { SigningThumbprint: signingThumbprint, EncryptionThumbprint: encryptionThumbprint };
  const sound = { Name: text, ...here, SigningPath: text, EncryptionPath: text, Password: password };
  const hostile = oneOf<Arguments>(random, [
    { SigningThumbprint: `${here.SigningThumbprint}${text}` },
    { EncryptionThumbprint: text },
    { Password: `${password.slice(1)}${text.slice(0, 1)}'` },
  ]);
  return isAsName ? { args: sound, accepts: text.length <= 256 } : { args: { ...sound, ...hostile }, accepts: false };
}
