import { runId } from '../../../contracts/ids';
import { madeByIn, marksIn, noMarks, notesOfMadeSwitch, withMarks, withoutMarks } from './marks';

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
    const reserved = withMarks(text, { ...noMarks, reservedBy: run });
    expect(marksIn(reserved)).toEqual({ ...noMarks, reservedBy: run });
    expect(reserved.startsWith(text)).toBe(true);
    const all = { reservedBy: run, fencedBy: other, retiredBy: run };
    const both = withMarks(reserved, all);
    expect(marksIn(both)).toEqual(all);
    expect(withMarks(both, noMarks)).toBe(text);
    expect(marksIn(text)).toEqual(noMarks);
  }
});

test('a mark is found also where somebody wrote below it, with line breaks of either kind', () => {
  for (const end of ['\n', '\r\n', '\nmore\n']) {
    const edited = `notes\n[hyperferry reserved=${run}]${end}`;
    expect(marksIn(edited)).toEqual({ ...noMarks, reservedBy: run });
    expect(withMarks(edited, noMarks)).toBe(`notes${end}`);
  }
});

test('of several lines the last counts, and setting marks leaves one', () => {
  const two = `[hyperferry reserved=${run}]\nx\n[hyperferry reserved=${other}]`;
  expect(marksIn(two).reservedBy).toBe(other);
  expect(withMarks(two, { ...noMarks, reservedBy: run })).toBe(`\nx\n[hyperferry reserved=${run}]`);
});

describe('the mark of a switch', () => {
  test('is that of the run that made it, and of no line that is another', () => {
    expect(madeByIn(notesOfMadeSwitch(run))).toBe(run);
    expect(madeByIn(`For the laboratory\r\n${notesOfMadeSwitch(run)}`)).toBe(run);
    for (const other of [
      '',
      'made=lab-r1',
      `see ${notesOfMadeSwitch(run)}`,
      `[hyperferry reserved=${run}]`,
      '[hyperferry made=]',
    ])
      expect(madeByIn(other)).toBeNull();
    expect(marksIn(notesOfMadeSwitch(run))).toEqual(noMarks);
  });

  test('is taken off, and what people wrote stays', () => {
    expect(withoutMarks(notesOfMadeSwitch(run))).toBe('');
    expect(withoutMarks(`For the laboratory\n${notesOfMadeSwitch(run)}\nof Kim`)).toBe('For the laboratory\nof Kim');
  });
});
