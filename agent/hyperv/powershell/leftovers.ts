import type { Leftover } from '../../../contracts/facts';
import { runId, type RunId } from '../../../contracts/ids';
import type { VmValue } from './calls/vm';
import { marksIn } from './marks';
import type { RunFiles } from './run-files';

/** Everything that carries the mark of a run, of one or of all. */
export async function findLeftovers(vms: readonly VmValue[], runs: RunFiles, run?: RunId): Promise<Leftover[]> {
  const found = vms.flatMap(ofVm);
  const noted = await runs.all();
  for (const { runId: ofRun, vmId, room } of noted.ok ? noted.value : [])
    if (room !== null)
      found.push({
        what: 'reservation',
        runId: ofRun,
        detail: `${room.roomBytes} bytes in ${room.folder} for VM ${vmId}`,
      });
  for (const { runId: ofRun, path } of await runs.runs())
    found.push({ what: 'run-folder', runId: ofRun, detail: path });
  return run === undefined ? found : found.filter((leftover) => leftover.runId === run);
}

function ofVm(vm: VmValue): Leftover[] {
  const name = `VM ${vm.name} (${vm.id})`;
  const { reservedBy, fencedBy } = marksIn(vm.notes);
  const checkpoints = vm.checkpoints.flatMap((taken): Leftover[] => {
    const parsed = runId.safeParse(/^hyperferry (.+)$/.exec(taken.name)?.[1]);
    return parsed.success ? [{ what: 'vm-checkpoint', runId: parsed.data, detail: `${name}: ${taken.name}` }] : [];
  });
  return [
    ...(reservedBy === null ? [] : [{ what: 'reservation', runId: reservedBy, detail: name } as const]),
    ...(fencedBy === null ? [] : [{ what: 'fence', runId: fencedBy, detail: name } as const]),
    ...checkpoints,
  ];
}
