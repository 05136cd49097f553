import { failed, succeeded, type Failure, type Outcome } from '../../../../contracts/failure';
import { hadEffect } from '../../afterwards';
import { refuse } from '../../refuse';
import { findVm, homeOf, type Handler, type RealHost } from '../host';
import { handBack, holderOf, readVm, take } from '../lun-handover';
import {
  dismountLun,
  hasLun,
  isMounted,
  lookAgain,
  lookAtLun,
  lunBusy,
  mountLun,
  noteStage,
  type LunFile,
  type SeenLun,
} from '../luns';

/**
 * Takes a LUN that the source gave up. It is mounted to be read first: a LUN that another host has online, or that is another one than was
 * meant, is not written to, not even by mounting it. Then it is mounted to be written, looked at once more, and taken.
 */
export const attachLun: Handler<'attach-lun'> = async (host, { runId }, { vmId, lun: name }) => {
  const noted = await host.runs.read(runId, vmId);
  if (!noted.ok) return noted;
  if (!hasLun(noted.value) || noted.value.lun.name !== name)
    return refuse('VmStateWrong', vmId, `Run ${runId} has not been admitted with LUN ${name} on this host.`);
  const before = noted.value;
  const { stage } = before.lun;
  const looked = await (stage === 'promised' ? lookAtLun(host, vmId, before.lun) : lookAgain(host, before));
  if (!looked.ok) return looked;
  // Its VM is planned here, or runs: from under it the disk is not taken offline, not even to be looked at.
  if (before.placed !== null)
    return isMounted(looked.value)
      ? succeeded({})
      : refuse(
          'LunBusy',
          vmId,
          `LUN ${name} is not online at ${before.lun.mountPath} here, where VM ${vmId} is on it.`,
        );
  const free = checkFree(before, looked.value);
  if (!free.ok) return free;
  const wasReadOnly = stage === 'promised' ? looked.value.isReadOnly : before.lun.wasReadOnly;
  const marked = { ...before, lun: { ...before.lun, wasReadOnly } };
  const file = await noteStage(host, marked, stage === 'promised' ? 'taking' : stage);
  for (const how of isMounted(looked.value) ? (['to-write'] as const) : (['to-read', 'to-write'] as const)) {
    const mounted = await mountLun(host, file, how);
    if (!mounted.ok) return letGo(host, file, mounted.failure);
    const given = await checkGiven(file);
    if (!given.ok) return letGo(host, file, given.failure);
  }
  const taken = await noteStage(host, file, 'taken');
  const isTaken = await take(taken.lun.home, runId);
  return isTaken ? succeeded({}) : letGo(host, taken, lunBusy(vmId, runId, taken.lun, 'another').failure);
};

/** What is online here and was not put so by this run is somebody else's. */
function checkFree({ vmId, lun }: LunFile, { isOffline, isClustered, pathIs }: SeenLun): Outcome<void> {
  if (isClustered) return refuse('LunBusy', vmId, `LUN ${lun.name} belongs to a cluster.`);
  if (lun.stage !== 'promised') return succeeded(undefined);
  if (!isOffline) return refuse('LunBusy', vmId, `LUN ${lun.name} is online on this host already.`);
  return pathIs === 'free' || pathIs === 'own'
    ? succeeded(undefined)
    : refuse('LunBusy', vmId, `LUN ${lun.name} cannot be mounted at ${lun.mountPath} here: the path is ${pathIs}.`);
}

async function checkGiven({ vmId, runId, lun }: LunFile): Promise<Outcome<void>> {
  const holder = await holderOf(lun.home, runId);
  if (holder === 'source') return lunBusy(vmId, runId, lun, 'the source');
  const written = await readVm(lun.home, runId, vmId);
  return written.ok ? succeeded(undefined) : written;
}

/** Where the worker does not answer it may be at work still: what became of it is for the undo to look at. */
async function letGo(host: RealHost, file: LunFile, failure: Failure): Promise<Outcome<never>> {
  if (failure.code === 'HyperVSilent') return failed({ ...failure, effect: 'unknown' });
  const gone = await give(host, file);
  if (gone.ok) await noteStage(host, file, 'promised');
  else host.log(`LUN ${file.lun.name} could not be taken offline again: ${gone.failure.message}`);
  return failed({ ...failure, effect: gone.ok ? 'none' : 'unknown' });
}

/** Undo of an attach: gives back what this run took, and nothing else. What says so is written while the LUN is still here. */
export const surrenderLun: Handler<'surrender-lun'> = async (host, { runId }, { vmId }) => {
  const noted = await host.runs.read(runId, vmId);
  if (!noted.ok) return noted;
  if (!hasLun(noted.value) || noted.value.lun.stage === 'promised') return succeeded({});
  if (noted.value.placed?.startedAt)
    return refuse('RefusedAfterStart', vmId, `Run ${runId} started VM ${vmId} here: its LUN stays.`);
  const found = await findVm(host, vmId);
  if (!found.ok) return found;
  if (found.value !== undefined && homeOf(found.value) === noted.value.lun.home)
    return refuse('LunBusy', vmId, `VM ${found.value.name} is registered on LUN ${noted.value.lun.name} here.`);
  // What was never taken is not given back on the LUN either, so that it need not be mounted.
  const isTaking = noted.value.lun.stage === 'taking';
  const file = isTaking ? noted.value : await noteStage(host, noted.value, 'giving');
  const given = await give(host, file);
  if (!given.ok) return failed(hadEffect(given.failure));
  await noteStage(host, file, 'promised');
  return succeeded({});
};

async function give(host: RealHost, file: LunFile): Promise<Outcome<unknown>> {
  const { runId, lun } = file;
  const looked = await lookAgain(host, file);
  if (!looked.ok) return looked;
  if (lun.stage === 'taking') return dismountLun(host, file, 'destination');
  if (!isMounted(looked.value)) {
    const mounted = await mountLun(host, file, 'to-read');
    if (!mounted.ok) return failed({ ...mounted.failure, effect: 'unknown' });
  }
  if ((await holderOf(lun.home, runId)) === 'destination') {
    const mounted = await mountLun(host, file, 'to-write');
    if (!mounted.ok) return failed({ ...mounted.failure, effect: 'unknown' });
    await handBack(lun.home, runId);
  }
  return dismountLun(host, file, 'destination');
}
