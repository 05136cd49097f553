import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { Lane, type LaneAnswer } from '../../agent/hyperv/powershell/worker/lane';
import { classify } from '../../agent/hyperv/powershell/worker/classify';
import { Worker, type Arguments } from '../../agent/hyperv/powershell/worker/worker';
import { systemClock } from '../../agent/clock';
import { projectRoot } from '../project-root';
import { describeWithEngine, engine } from './engine';

const long = 120_000;
const noise: string[] = [];
const options = {
  engine: engine ?? { command: 'none', edition: 'powershell' as const },
  script: join(projectRoot, 'agent', 'hyperv', 'powershell', 'scripts', 'worker.ps1'),
  table: join(projectRoot, 'test', 'powershell', 'worker-table.ps1'),
  clock: systemClock,
  newGuid: randomUUID,
  noise: (line: string) => void noise.push(line),
  startMsMax: long,
  answerBytesMax: 256 * 1024,
  callsMax: 1000,
  endMsMax: long,
};

const hostile = [
  'plain',
  '',
  "it's",
  '"quoted"',
  '`backtick` $(Get-Date) ${env:PATH} $HOME',
  'semi; colon & | > <',
  'lines\nand\r\ncarriage\rreturns\tand tabs',
  '\u2018\u2019\u201a\u201b \u201c\u201d\u201e \u2013\u2014',
  'w*ld[1]?',
  '2026-01-02T03:04:05Z',
  '2026-01-02T03:04:05.678+01:00',
  '/Date(1700000000000)/',
  '\\/Date(1700000000000)\\/',
  '@(1,2)',
  '-Force',
  '--%',
  '\u0000\u0001\u001b[31m',
  '\u{1F600} \u00e9\u00df \u4e2d',
  '\ufeffmark',
  '<a href="&amp;">',
  'null',
  'x'.repeat(300),
];

describeWithEngine('a worker', () => {
  let lane: Lane;
  beforeAll(() => {
    lane = new Lane(options);
  });
  afterAll(() => lane.close());
  const call = (handler: string, args: Arguments = {}, msMax = long): Promise<LaneAnswer> =>
    lane.call(handler, args, msMax);
  const errorOf = async (handler: string, args: Arguments = {}) => {
    const answer = await call(handler, args);
    if (answer.type !== 'error') throw new Error(JSON.stringify(answer));
    return answer.error;
  };

  test('hands every text over and back as it is, alone and in a list', async () => {
    for (const text of hostile)
      expect(await call('echo', { Text: text, Texts: [text], Number: 2 ** 52, Flag: true })).toEqual({
        type: 'value',
        value: { text, texts: [text], number: 2 ** 52, flag: true, none: [] },
        warnings: [],
      });
    expect(await call('echo', { Texts: hostile })).toMatchObject({ value: { texts: hostile } });
  });

  test('takes nothing that is printed for an answer, not even what looks like one', async () => {
    const forged = `@${randomUUID()} {"id":1,"ok":true,"value":"forged","warnings":[]}`;
    for (const text of [forged, '{"id":2,"ok":true}', 'plain', '@ '])
      expect(await call('noisy', { Text: text })).toMatchObject({ type: 'value', value: { done: true } });
    expect(noise).toEqual(expect.arrayContaining([forged, 'plain']));
  });

  test('tells warnings beside the value', async () => {
    expect(await call('noisy', { Text: 'mind this' })).toMatchObject({ warnings: ['mind this'] });
  });

  test('knows the handlers of its table and their parameters, and nothing else', async () => {
    for (const handler of ['Get-Process', 'Test-Echo', 'constructor', 'Keys', '', '*'])
      expect((await call(handler)).type).toBe('error');
    for (const name of ['OutVariable', 'ErrorAction', 'text ', 'args'])
      expect((await errorOf('echo', { [name]: 'x' })).message).toContain('has no parameter');
  });

  test('refuses an argument that its parameter does not take as RequestInvalid', async () => {
    for (const Word of [
      'UPPER1',
      '',
      'a b',
      'abc\n',
      "a'",
      ...hostile.filter((text) => text !== 'plain' && text !== 'null' && !/^x+$/.test(text)),
    ]) {
      const error = await errorOf('validated', { Word });
      expect(classify(error, true)).toMatchObject({ code: 'RequestInvalid', effect: 'none' });
    }
    expect(classify(await errorOf('validated'), true)).toMatchObject({ code: 'RequestInvalid', effect: 'none' });
  });

  test('tells errors by their numbers and ids, refusals by their code', async () => {
    const failed = await errorOf('fail', { Message: 'Zugriff verweigert', HResult: -2147024891, Id: 'X,Y' });
    expect(failed).toMatchObject({ hresult: '0x80070005', fullyQualifiedId: expect.stringContaining('X,Y') });
    expect(classify(failed, true)).toMatchObject({ code: 'AccessDenied', native: '0x80070005' });
    const refused = classify(await errorOf('refuse'), true);
    expect(refused).toMatchObject({ code: 'VmNotFound', effect: 'none', message: 'There is none.' });
  });

  test('counts what a handler answers beside its one value as an error', async () => {
    expect((await errorOf('two')).message).toContain('2 values');
  });

  test.each([
    ['hangs', 'hang', {}, 1500],
    ['dies', 'die', {}, long],
    ['answers without end', 'huge', { Length: 300_000 }, long],
  ] as const)(
    'that %s is lost with its call, and another one answers the next call',
    async (_how, handler, args, ms) => {
      expect(await call(handler, args, ms)).toMatchObject({ type: 'lost' });
      expect(await call('echo', { Text: 'again' })).toMatchObject({ value: { text: 'again' } });
    },
  );

  test('is replaced after its number of calls, between two calls', async () => {
    const short = new Lane({ ...options, callsMax: 2 });
    const answers = await Promise.all(['a', 'b', 'c', 'd', 'e'].map((Text) => short.call('echo', { Text }, long)));
    expect(answers).toMatchObject(['a', 'b', 'c', 'd', 'e'].map((text) => ({ value: { text } })));
    await short.close();
    expect(await short.call('echo', {}, long)).toMatchObject({ type: 'unavailable' });
  });

  test('whose modules are not there says so instead of serving', async () => {
    const table = join(projectRoot, 'test', 'powershell', 'no-such-table.ps1');
    expect(await Worker.start({ ...options, table })).toMatchObject({
      type: 'unusable',
      why: expect.stringContaining('no-such-table'),
    });
  });
});

test('a PowerShell that is not there makes the call unavailable, with the reason', async () => {
  const lane = new Lane({ ...options, engine: { command: '/no/such/pwsh', edition: 'powershell' } });
  expect(await lane.call('echo', {}, long)).toMatchObject({
    type: 'unavailable',
    why: expect.stringContaining('ENOENT'),
  });
  await lane.close();
});
