import { runId } from '../../../contracts/ids';
import { marksIn, noMarks, withMarks } from './marks';

const run = runId.parse('m-1-r1');
const other = runId.parse('m-2-r1');
const texts = [
  '',
  'web server',
  'two\nlines',
  'ends in a break\n',
  '\n',
  '[hyperferry',
  'a [hyperferry reserved=x] b',
  '[hyperferry reserved=ü]',
  'x\r\ny',
  '日本 \u2019 "\'`$()',
];

test('what people wrote stays as it is under every mark, and is all that is left without', () => {
  for (const text of texts) {
    const reserved = withMarks(text, { reservedBy: run, fencedBy: null });
    expect(marksIn(reserved)).toEqual({ reservedBy: run, fencedBy: null });
    expect(reserved.startsWith(text)).toBe(true);
    const both = withMarks(reserved, { reservedBy: run, fencedBy: other });
    expect(marksIn(both)).toEqual({ reservedBy: run, fencedBy: other });
    expect(withMarks(both, noMarks)).toBe(text);
    expect(marksIn(text)).toEqual(noMarks);
  }
});

test('a mark is found also where somebody wrote below it, with line breaks of either kind', () => {
  for (const end of ['\n', '\r\n', '\nmore\n']) {
    const edited = `notes\n[hyperferry reserved=${run}]${end}`;
    expect(marksIn(edited)).toEqual({ reservedBy: run, fencedBy: null });
    expect(withMarks(edited, noMarks)).toBe(`notes${end}`);
  }
});

test('of several lines the last counts, and setting marks leaves one', () => {
  const two = `[hyperferry reserved=${run}]\nx\n[hyperferry reserved=${other}]`;
  expect(marksIn(two).reservedBy).toBe(other);
  expect(withMarks(two, { reservedBy: run, fencedBy: null })).toBe(`\nx\n[hyperferry reserved=${run}]`);
});
