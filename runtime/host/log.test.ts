import { Log, type LogFilter, type LogFormat } from './log';

const time = '2026-01-02T03:04:05.678Z';

function logged(format: LogFormat, filter: LogFilter, use: (log: Log) => void): string[] {
  const lines: string[] = [];
  use(new Log(filter, { format, write: (line) => lines.push(line), now: () => new Date(time) }));
  return lines;
}

test('a text line has time, level, category and text, and stays one line', () => {
  expect(logged('text', { levelMin: 'information' }, (log) => log.warn('first\nsecond'))).toEqual([
    `[${time}] warn: Host: first\\nsecond`,
  ]);
});

test('a JSON line is one object with the fields of what it is about', () => {
  const [line = ''] = logged('json', { levelMin: 'trace' }, (log) =>
    log.line('error', 'Function.Move', 'it\nfailed', { instanceId: 'i1', durationMs: 7 }),
  );
  expect(line).not.toContain('\n');
  expect(JSON.parse(line)).toEqual({
    time,
    level: 'error',
    category: 'Function.Move',
    message: 'it\nfailed',
    instanceId: 'i1',
    durationMs: 7,
  });
});

test('the longest category that fits decides the level, whatever its case', () => {
  const filter: LogFilter = {
    levelMin: 'warning',
    byCategory: { function: 'error', 'Function.Move': 'debug', 'Function.Move.User': 'none' },
  };
  const lines = logged('text', filter, (log) => {
    log.line('information', 'Host', 'hidden');
    log.line('warning', 'Host', 'host');
    log.line('warning', 'Function.Other', 'hidden');
    log.line('error', 'Function.Other', 'other');
    log.line('debug', 'function.MOVE', 'move');
    log.line('critical', 'Function.Move.User', 'hidden');
    log.line('warning', 'Functional', 'no part of a name');
  });
  expect(lines.map((line) => line.split(': ').at(-1))).toEqual(['host', 'other', 'move', 'no part of a name']);
});
