import { failureOf } from '../../contracts/failure';
import { migrationId } from '../../contracts/ids';
import type { MigrationStatus } from '../../contracts/migration';
import { createApi } from '../api/client';
import type { Clock } from '../../agent/clock';
import { exitCodes } from '../exit';
import { createOutput } from '../output/output';
import { problemAnswer, startFakeApi, type FakeAnswer } from '../testing/fake-api';
import { startCli } from '../testing/run-cli';
import { mib, sampleParked, sampleRolledBack, sampleStatus } from '../testing/samples';
import { jsonSink } from './json';
import { lineSink } from './lines';
import { screenSink } from './screen';
import type { WatchSink } from './sink';
import { watchRun } from './watch';

const copying = (doneMib: number): MigrationStatus =>
  sampleStatus({
    progress: {
      bytesDone: doneMib * mib,
      bytesTotal: 600 * mib,
      bytesPerSecond: 100 * mib,
      disks: [{ name: 'scsi-0-0', bytesDone: doneMib * mib, bytesTotal: 600 * mib }],
    },
    expectedEndAt: new Date(Date.parse('2026-08-01T20:00:05Z') + (600 - doneMib) * 10).toISOString(),
  });
const completed = sampleStatus({ state: 'completed', phase: null, step: null, progress: null });

/** Text that was written, from a stream that says it is a terminal or not. */
function collector(terminal: 'terminal' | 'pipe'): { text: () => string; output: ReturnType<typeof createOutput> } {
  let written = '';
  const stream = {
    write: (text: string) => {
      written += text;
      return true;
    },
    isTTY: terminal === 'terminal',
    columns: 80,
    rows: 24,
  };
  return { text: () => written, output: createOutput(stream, stream) };
}

const tokens = new RegExp(`${String.fromCharCode(0x1b)}\\[(?:\\d+)?[AJK]|[\\s\\S]`, 'g');

/** What a terminal would show after all that: only the sequences that the screen uses are understood, any other fails the test. */
function shownBy(written: string): string[] {
  const lines = [''];
  let row = 0;
  let column = 0;
  for (const [token] of written.matchAll(tokens)) {
    const current = lines[row] ?? '';
    if (token === '\n') {
      row += 1;
      column = 0;
      lines[row] ??= '';
    } else if (token === '\r') column = 0;
    else if (token.endsWith('A') && token.length > 1) row -= Number(token.slice(2, -1));
    else if (token === '\u001b[K') lines[row] = current.slice(0, column);
    else if (token === '\u001b[J') lines.splice(row, lines.length, current.slice(0, column));
    else if (token.startsWith('\u001b')) throw new Error('a control sequence that is not known');
    else {
      lines[row] = current.slice(0, column) + token + current.slice(column + 1);
      column += 1;
    }
  }
  return lines;
}

describe('the loop', () => {
  const steppingClock = (): Clock => {
    let nowMs = Date.parse('2026-08-01T20:00:00Z');
    return {
      now: () => nowMs,
      sleep: async (ms) => {
        nowMs += ms;
      },
    };
  };
  const quiet: WatchSink = { status: () => undefined, away: () => undefined, end: () => undefined };
  const watched = async (
    answers: readonly FakeAnswer[],
    more: { patienceMs?: number; whenParked?: 'end' | 'stay'; signal?: AbortSignal; sink?: WatchSink } = {},
  ): Promise<{ result: Awaited<ReturnType<typeof watchRun>>; looks: number }> => {
    let look = 0;
    const fake = await startFakeApi(() => answers[Math.min(look++, answers.length - 1)] ?? 'drop');
    const result = await watchRun({
      api: createApi({ baseUrl: fake.url }),
      id: migrationId.parse('m1'),
      clock: steppingClock(),
      signal: more.signal ?? new AbortController().signal,
      sink: more.sink ?? quiet,
      intervalMs: 1000,
      patienceMs: more.patienceMs ?? 60_000,
      whenParked: more.whenParked ?? 'end',
    });
    await fake.close();
    return { result, looks: look };
  };
  const status = (body: MigrationStatus): FakeAnswer => ({ status: 200, body });

  test('ends when the run ends', async () => {
    const { result, looks } = await watched([status(copying(1)), status(copying(2)), status(completed)]);
    expect(result).toMatchObject({ ok: true, value: { why: 'ended', status: { state: 'completed' } } });
    expect(looks).toBe(3);
  });

  test('goes on when the interface was away for less than its patience, in every way in which it can be away', async () => {
    const away: string[] = [];
    const sink = { ...quiet, away: (message: string) => void away.push(message) };
    const gone: FakeAnswer[] = [
      'drop',
      problemAnswer(503, 'StorageUnavailable', 'no blobs'),
      { status: 502, body: 'bad' },
    ];
    const { result } = await watched([status(copying(1)), ...gone, status(completed)], { sink });
    expect(result).toMatchObject({ ok: true });
    expect(away).toHaveLength(3);
  });

  test('gives up when the interface is away for longer', async () => {
    const { result, looks } = await watched([status(copying(1)), 'drop'], { patienceMs: 5000 });
    expect(result).toMatchObject({
      ok: false,
      failure: { exit: 'unreachable', title: expect.stringContaining('5 s') },
    });
    expect(looks).toBe(7);
  });

  test('a first look without an answer is a failure at once', async () => {
    const { result, looks } = await watched(['drop']);
    expect(result).toMatchObject({ ok: false, failure: { exit: 'unreachable' } });
    expect(looks).toBe(1);
  });

  test('a refusal is a failure also after answers', async () => {
    const { result } = await watched([status(copying(1)), problemAnswer(404, 'NotFound', 'gone')]);
    expect(result).toMatchObject({ ok: false, failure: { exit: 'refused' } });
  });

  test('a parked run ends the watch, or is waited through when that is asked for', async () => {
    const parked = [status(sampleParked()), status(completed)];
    expect((await watched(parked)).result).toMatchObject({ value: { why: 'parked' } });
    expect((await watched(parked, { whenParked: 'stay' })).result).toMatchObject({ value: { why: 'ended' } });
  });

  test('an interruption ends the watch and says so', async () => {
    const controller = new AbortController();
    const sink = { ...quiet, status: () => controller.abort() };
    const { result } = await watched([status(copying(1))], { signal: controller.signal, sink });
    expect(result).toEqual({ ok: true, value: { why: 'interrupted' } });
  });
});

describe('lines', () => {
  test('one for each change and each tenth of the bytes, and none for a look that shows nothing new', () => {
    const { text, output } = collector('pipe');
    const sink = lineSink(output);
    const looks = [copying(0), copying(1), copying(1), copying(61), copying(62)];
    looks.forEach((look, index) => sink.status(look, index * 1000));
    const said = text().trimEnd().split('\n');
    expect(said.map((line) => line.slice(10))).toEqual([
      `m1: quick-storage, host-a -> host-b, VM ${copying(0).vmId}`,
      'running: pull-base, 0.0 %, 0.0 MiB of 600 MiB, at 100 MiB/s, about 6 s left',
      'running: pull-base, 10.1 %, 61.0 MiB of 600 MiB, at 100 MiB/s, about 5 s left',
    ]);
  });

  test('the interface going away and coming back is one line each', () => {
    const { text, output } = collector('pipe');
    const sink = lineSink(output);
    sink.status(copying(1), 0);
    sink.away('ECONNREFUSED', 1000, 1000);
    sink.away('ECONNREFUSED', 1000, 2000);
    sink.status(copying(1), 3000);
    expect(text().match(/no answer since/g)).toHaveLength(1);
    expect(text().match(/is back/g)).toHaveLength(1);
  });

  test('a parked run shows its question with the commands that answer it, once', () => {
    const { text, output } = collector('pipe');
    const sink = lineSink(output);
    sink.status(sampleParked(), 0);
    sink.status(sampleParked(), 1000);
    expect(text().match(/Question: /g)).toHaveLength(1);
    expect(text()).toContain('next:    hyperferry answer m1 retry');
  });
});

describe('the screen', () => {
  test('draws in place: bytes and rate change, no line is left over', () => {
    const { text, output } = collector('terminal');
    const sink = screenSink(output.stdout);
    sink.status(sampleStatus({ waitingFor: 'the agent of host-b' }), 0);
    sink.away('ECONNREFUSED', 1000, 4000);
    sink.status(sampleStatus({ phase: 'save-vm', progress: null, step: 'Cutover' }), 5000);
    const shown = shownBy(text());
    expect(shown).toEqual([
      'm1: quick-storage, host-a -> host-b, running',
      '[done] Prepare   [done] Transfer   [ now] Cutover   [    ] Finish',
      'Done: pull-base 5.0 s',
      'Phase save-vm, 0 ms',
      '',
    ]);
  });

  test('keeps the step while the run is between two phases', () => {
    const { text, output } = collector('terminal');
    const sink = screenSink(output.stdout);
    sink.status(sampleStatus({ phase: 'release', step: 'Finish', progress: null }), 0);
    sink.status(sampleStatus({ phase: null, step: null, progress: null, waitingFor: 'the receipt' }), 1000);
    expect(shownBy(text())[1]).toBe('[done] Prepare   [done] Transfer   [done] Cutover   [ now] Finish');
  });

  test('lines scroll by above the picture', () => {
    const { text, output } = collector('terminal');
    const screen = screenSink(output.stdout);
    screen.above('before');
    screen.status(completed, 0);
    screen.above('a host is back');
    const shown = shownBy(text());
    expect(shown.slice(0, 3)).toEqual(['before', 'a host is back', 'm1: quick-storage, host-a -> host-b, completed']);
    expect(shown.filter((line) => line.startsWith('m1:'))).toHaveLength(1);
  });

  test('shows each disk with bar, percent and bytes, the rate and what it waits for', () => {
    const { text, output } = collector('terminal');
    screenSink(output.stdout).status(sampleStatus({ waitingFor: 'the agent of host-b' }), 0);
    const shown = shownBy(text()).join('\n');
    expect(shown).toContain('scsi-0-0  [##########..............] 45.1 %  271 MiB of 600 MiB');
    expect(shown).toContain('  memory    [........................]  0.0 %  0.0 MiB of 64.0 MiB');
    expect(shown).toContain('  100 MiB/s, about 4 s left');
    expect(shown).toContain('Waits for the agent of host-b');
  });

  test('no line is wider than the terminal, and none carries control codes of others', () => {
    const { text, output } = collector('terminal');
    const failure = failureOf('IoFailed', { message: `\u001b[2J${'x'.repeat(300)}` });
    screenSink(output.stdout).status(sampleStatus({ state: 'rolled-back', failure }), 0);
    for (const line of shownBy(text())) expect(line.length).toBeLessThan(80);
  });
});

describe('JSON lines', () => {
  test('each different status is one document a line', () => {
    const { text, output } = collector('pipe');
    const sink = jsonSink(output);
    [copying(1), copying(1), copying(2)].forEach((look) => sink.status(look, 0));
    sink.away('gone', 1000, 1000);
    sink.status(copying(2), 2000);
    const documents = text()
      .trimEnd()
      .split('\n')
      .map((line): unknown => JSON.parse(line));
    expect(documents).toMatchObject([
      { type: 'status', status: copying(1) },
      { type: 'status', status: copying(2) },
      { type: 'away', message: 'gone' },
      { type: 'status', at: '1970-01-01T00:00:02.000Z' },
    ]);
  });
});

describe('the built program, not on a terminal', () => {
  const serveStates = (states: readonly FakeAnswer[]): Promise<Awaited<ReturnType<typeof startFakeApi>>> => {
    let look = 0;
    return startFakeApi(() => states[Math.min(look++, states.length - 1)] ?? 'drop');
  };
  const status = (body: MigrationStatus): FakeAnswer => ({ status: 200, body });
  const watchArgs = ['watch', 'm1', '--interval', '0.05'];

  test.each([
    ['completed', completed, exitCodes.done.code],
    ['rolled back', sampleRolledBack(), exitCodes.runNotCompleted.code],
    ['parked', sampleParked(), exitCodes.waitsForAnswer.code],
  ])('a run that is %s gives its exit code, and no control codes', async (_name, last, exit) => {
    const fake = await serveStates([status(copying(1)), 'drop', status(last)]);
    const run = await startCli([...watchArgs, '--api', fake.url]).ended;
    await fake.close();
    expect(run.code).toBe(exit);
    expect(run.stdout + run.stderr).not.toMatch(/(?!\n)\p{Cc}/u);
    expect(run.stdout).toContain('running: pull-base');
  });

  test('--json gives JSON lines alone on standard output', async () => {
    const fake = await serveStates([status(copying(1)), status(completed)]);
    const run = await startCli([...watchArgs, '--json', '--api', fake.url]).ended;
    await fake.close();
    const types = run.stdout
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { type: string }).type);
    expect(types).toEqual(['status', 'status']);
  });

  test('Ctrl-C leaves the run alone and says how to watch it again', async () => {
    const fake = await serveStates([status(copying(1))]);
    const cli = startCli([...watchArgs, '--api', fake.url]);
    while (fake.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    cli.child.kill('SIGINT');
    const run = await cli.ended;
    await fake.close();
    expect(run).toMatchObject({ code: exitCodes.interrupted.code });
    expect(run.stderr).toContain('the run goes on: hyperferry watch m1');
  });
});
