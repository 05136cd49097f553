import { destinationFolderOf, importedVmId } from '../../contracts/migration';
import { sumOf } from '../../contracts/operations/shapes';
import type { Receipt } from '../../contracts/receipt';
import { concernLines } from './preflight';
import { formatBytes, formatMs } from './format';
import { failureText, routeText, stateText } from './status';
import { factLines, tableLines } from './table';

const msBetween = (from: string, to: string): number => Math.max(0, Date.parse(to) - Date.parse(from));

function phaseRows(receipt: Receipt): string[][] {
  return receipt.phases.map(({ name, action, outcome, attempts, startedAt, endedAt }) => [
    `  ${action === 'undo' ? `undo of ${name}` : name}`,
    outcome,
    formatMs(msBetween(startedAt, endedAt)),
    attempts === 1 ? '' : `${attempts} attempts`,
  ]);
}

/** Files that the byte route brought; from a seed is told where any of them had one. */
function fileTable({ files }: Receipt): string[] {
  const hasSeeds = files.some(({ seedBytes }) => seedBytes !== undefined);
  const head = ['  FILE', 'DATA', 'SENT', 'SENT AGAIN', ...(hasSeeds ? ['FROM SEED'] : []), 'ZERO', 'BLAKE3'];
  const rows = files.map(({ name, dataBytes, sentBytes, resentBytes, seedBytes = 0, zeroBytes, digest }) => [
    `  ${name}`,
    formatBytes(dataBytes),
    formatBytes(sentBytes),
    formatBytes(resentBytes),
    ...(hasSeeds ? [formatBytes(seedBytes)] : []),
    formatBytes(zeroBytes),
    digest.slice(0, 16),
  ]);
  const problems = files.flatMap(({ name, seedProblem }) =>
    seedProblem === undefined ? [] : [`  ${name}: the seed was of no use, or not to the end: ${seedProblem}`],
  );
  return [...tableLines(head, rows), ...problems];
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', title, ...lines];
}

function leftoverLines(receipt: Receipt): string[] {
  const lines = (those: Receipt['leftovers']): string[] =>
    those.map(({ hostId, what, detail }) => `  ${hostId}: ${what}, ${detail}`);
  const keeps = retirePolicyOf(receipt.request) === 'keep';
  const kept = receipt.leftovers.filter(({ what }) => keeps && what === 'retired-vm');
  const left = receipt.leftovers.filter((one) => !kept.includes(one));
  return [
    ...section('Kept at the source, as the policy says:', lines(kept)),
    ...(left.length > 0 ? section('Left behind:', lines(left)) : ['', 'Left behind: nothing']),
    ...receipt.hostsNotAsked.map((host) => `  ${host} could not be asked: it was not reachable when the run ended`),
  ];
}

const line = (name: string, text: string | undefined): [string, string][] => (text === undefined ? [] : [[name, text]]);

/** What the policy of a request says of the source; undefined for a kind that leaves none. */
const retirePolicyOf = ({ policy }: Receipt['request']): string | undefined =>
  'retire' in policy ? policy.retire : undefined;

function outageText({ outage, guestOutageMs, predictedOutageMs, rounds }: Receipt): string {
  const measured = measuredText(outage, guestOutageMs);
  if (predictedOutageMs === null) return measured;
  return `${measured}; ${formatMs(predictedOutageMs)} were predicted after ${rounds.length} ${rounds.length === 1 ? 'pass' : 'passes'}`;
}

function hostsText(outage: Receipt['outage']): string {
  switch (outage.type) {
    case 'none':
      return 'none: the VM was never stopped';
    case 'measured':
      return formatMs(outage.ms);
    case 'not-measured':
      return `not measured: ${outage.because}`;
  }
}

function measuredText(outage: Receipt['outage'], guestOutageMs: number | null): string {
  const ofHosts = hostsText(outage);
  return guestOutageMs === null ? ofHosts : `${ofHosts}; ${formatMs(guestOutageMs)} as the guest saw it`;
}

/** Only files that arrived whole have an account. */
function sentText({ files, state }: Receipt): string {
  const sentBytes = files.reduce((sum, file) => sum + file.sentBytes, 0);
  const resentBytes = files.reduce((sum, file) => sum + file.resentBytes, 0);
  const savedBytes = files.reduce((sum, file) => sum + (file.savedBytes ?? 0), 0);
  const seedBytes = files.reduce((sum, file) => sum + (file.seedBytes ?? 0), 0);
  const packed = savedBytes === 0 ? '' : `, packed to ${formatBytes(sentBytes - savedBytes)}`;
  const seeded = seedBytes === 0 ? '' : `; ${formatBytes(seedBytes)} were in seeds`;
  const again = `of which ${formatBytes(resentBytes)} a second time after faults`;
  const sent = `${formatBytes(sentBytes)}${packed}, ${again}${seeded}`;
  return state === 'completed' ? sent : `${sent}; files that did not arrive whole are not counted`;
}

const byHypervisor = ({ carried, state }: Receipt): string => {
  if (carried === null) return state === 'completed' ? 'by the hypervisor; not measured' : 'nothing that counts';
  const { memoryBytes, copiedBytes, mirroredBytes } = carried;
  const disks =
    copiedBytes === 0
      ? ''
      : `, ${formatBytes(copiedBytes)} of disks, ${formatBytes(mirroredBytes)} written to both sides`;
  return `by the hypervisor: ${formatBytes(memoryBytes)} of memory${disks}`;
};

/** What went over, and how: each kind in its own words. */
function bytesLine(receipt: Receipt): [string, string] {
  const { request, carried } = receipt;
  const copied = carried === null ? 'nothing' : formatBytes(carried.copiedBytes);
  switch (request.kind) {
    case 'quick-storage':
    case 'warm':
    case 'lan':
      return ['sent', sentText(receipt)];
    case 'live':
    case 'storage':
    case 'shared-nothing':
      return ['sent', byHypervisor(receipt)];
    case 'quick':
      return ['sent', 'nothing: its files are on the shared volume'];
    case 'san':
      return ['sent', 'nothing: its files went over with the LUN'];
    case 'export':
      return ['written', copied];
    case 'import':
      return ['copied', request.destinationFolder === undefined ? 'nothing: its files are used in place' : copied];
  }
}

/** What became of the role of the VM; undefined where the request said nothing of it. */
function roleText({ role }: Receipt): string | undefined {
  if (role === undefined) return undefined;
  const { removed, restored, made } = role;
  const was =
    removed === null ? 'the VM was none' : `"${removed.settings.name}" was removed from cluster ${removed.clusterName}`;
  if (restored) return `${was}, and is there again as it was`;
  if (made === null) return removed === null ? was : `${was}, and is in no cluster`;
  const without = made.without.length === 0 ? '' : `, without its ${made.without.join(', ')}`;
  return `${was}; "${made.name}" was made in cluster ${made.clusterName}${without}`;
}

/** What was done to which VM, where. */
function whatLines({ request }: Receipt): [string, string][] {
  const route = routeText(request);
  switch (request.kind) {
    case 'export':
      return [['exported', `VM ${request.vmId}, ${request.part}, ${route}`]];
    case 'import':
      return [
        ['imported', `VM ${importedVmId(request)}, ${route}`],
        ['from', `${request.sourceFolder}, VM ${request.vmId}`],
      ];
    default:
      return [['moved', `VM ${request.vmId}, ${request.kind}, ${route}`]];
  }
}

const rootText = (disk: Receipt['verified'][number]): string =>
  `${'merkleRoot' in disk ? 'Merkle root' : 'BLAKE3'} ${sumOf(disk).slice(0, 16)}`;

/** The receipt as a person reads it. Digests are cut to 16 of 64 digits; the document has them whole. */
export function receiptLines(receipt: Receipt): string[] {
  const { request, failure } = receipt;
  const policy = retirePolicyOf(request);
  const facts: [string, string][] = [
    ['run', `${receipt.runId}, ${stateText[receipt.state]}`],
    ...whatLines(receipt),
    ...line('folder', destinationFolderOf(request)),
    ['took', `${formatMs(msBetween(receipt.startedAt, receipt.endedAt))} (${receipt.startedAt} to ${receipt.endedAt})`],
    // A VM that is imported has served nobody yet.
    ...line('outage', request.kind === 'import' ? undefined : outageText(receipt)),
    bytesLine(receipt),
    ...line('role', roleText(receipt)),
    ...line('source', policy === undefined ? undefined : `retire policy: ${policy}`),
    ...line('reason', failure === null ? undefined : failureText(failure)),
    ...line('remedy', failure?.remedy),
  ];
  const verified = receipt.verified.map(
    (disk) => `  ${disk.diskId}: equal at both hosts, ${formatBytes(disk.bytesRead)} read at each, ${rootText(disk)}`,
  );
  return [
    `Receipt of ${receipt.id}`,
    ...factLines(facts, '  '),
    ...(receipt.concerns.length === 0 ? [] : ['', ...concernLines(receipt.concerns)]),
    ...section('Phases:', tableLines(['  PHASE', 'OUTCOME', 'TOOK', ''], phaseRows(receipt))),
    ...(receipt.files.length === 0 ? [] : section('Files:', fileTable(receipt))),
    ...section('Verified:', verified),
    ...section(
      'Changes of the configuration:',
      receipt.configurationChanges.map((change) => `  ${change}`),
    ),
    ...leftoverLines(receipt),
  ];
}
