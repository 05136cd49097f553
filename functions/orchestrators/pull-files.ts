import { succeeded } from '../../contracts/failure';
import {
  destinationHostOf,
  isStaged,
  type ByteRouteChoice,
  type DiskFormatWanted,
  type NamedSeed,
  type RunInput,
} from '../../contracts/migration';
import type { OperationInput, OperationOutput } from '../../contracts/operations';
import type { Run } from '../saga/run';
import type { Durable, Step } from '../saga/step';
import type { Pulled } from './disks';
import { operateAll } from './operate';
import type { Asked } from './operation-under-way';

type PulledRun = RunInput & {
  readonly request: {
    readonly destinationFolder: string;
    readonly route: ByteRouteChoice;
    readonly seeds?: readonly NamedSeed[] | undefined;
    readonly convertTo?: DiskFormatWanted;
    readonly policy: Pick<OperationInput<'pull'>, 'bandwidthBytesPerSecondMax' | 'bandwidthHours'>;
  };
};

type PullOutput = OperationOutput<'pull'>;

/** What the receipt says of a file. */
export type FileAccount = Omit<PullOutput, 'path'> & { readonly name: string };

const accountOf = (name: string, { path: _path, ...account }: PullOutput): FileAccount => ({ name, ...account });

type Pausable = 'pausable' | 'without pause';

/** Carries files to the destination side by side, by the route of the request, each resumed where it stopped. */
export function* pullAll(
  run: Run<PulledRun>,
  files: readonly Pulled[],
  pausable: Pausable = 'without pause',
): Durable<Step<FileAccount[]>> {
  const pulled = isStaged(run.input.request)
    ? yield* pullStaged(run, files, pausable)
    : yield* operateAll(
        run,
        files.map((file) => directPull(run, file, pausable)),
      );
  if (!pulled.ok) return pulled;
  return succeeded(pulled.value.map((output, index) => accountOf(files[index]?.label ?? '', output)));
}

function directPull(run: Run<PulledRun>, file: Pulled, pausable: Pausable): Asked<'pull'> {
  const { request } = run.input;
  return {
    host: destinationHostOf(request),
    kind: 'pull',
    pullFrom: request.sourceHost,
    label: file.label,
    pausable: pausable === 'pausable',
    bytesExpected: file.bytesExpected,
    input: {
      vmId: request.vmId,
      folder: request.destinationFolder,
      subject: file.subject,
      bandwidthBytesPerSecondMax: request.policy.bandwidthBytesPerSecondMax,
      bandwidthHours: request.policy.bandwidthHours,
      ...seedOf(file, request.seeds),
      ...convertedAs(request),
    },
  };
}

/** What the request says of the format of copies, for an operation of it; nothing where it says nothing. */
export const convertedAs = ({
  convertTo,
}: {
  readonly convertTo?: DiskFormatWanted;
}): { readonly convertTo?: 'vhdx' } => (convertTo === undefined ? {} : { convertTo });

function seedOf({ subject, seedable: isSeedable }: Pulled, seeds: readonly NamedSeed[] = []): { seedPath?: string } {
  if (isSeedable !== true || subject.type !== 'image') return {};
  const seed = seeds.find((one) => one.diskId === subject.diskId);
  return seed === undefined ? {} : { seedPath: seed.path };
}

/** Each file is staged by its source and copied by its destination, which follows as far as the source has come. */
function* pullStaged(run: Run<PulledRun>, files: readonly Pulled[], pausable: Pausable): Durable<Step<PullOutput[]>> {
  const ended = yield* operateAll<'stage' | 'pull-staged'>(
    run,
    files.flatMap((file) => bothEnds(run, file, pausable)),
  );
  if (!ended.ok) return ended;
  return succeeded(ended.value.flatMap((output) => ('path' in output ? [output] : [])));
}

function bothEnds(run: Run<PulledRun>, file: Pulled, pausable: Pausable): Asked<'stage' | 'pull-staged'>[] {
  const { request } = run.input;
  const { bandwidthBytesPerSecondMax, bandwidthHours } = request.policy;
  const ofBoth = { pausable: pausable === 'pausable', bytesExpected: file.bytesExpected };
  const input = {
    vmId: request.vmId,
    subject: file.subject,
    name: file.label,
    bandwidthBytesPerSecondMax,
    bandwidthHours,
  };
  const folder = request.destinationFolder;
  return [
    { ...ofBoth, host: request.sourceHost, kind: 'stage', label: `${file.label}_staged`, input },
    {
      ...ofBoth,
      host: destinationHostOf(request),
      kind: 'pull-staged',
      label: file.label,
      input: { ...input, folder, ...convertedAs(request) },
    },
  ];
}
