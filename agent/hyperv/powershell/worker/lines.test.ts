import { PassThrough } from 'node:stream';
import { readLines } from './lines';

function read(chunks: readonly (string | Buffer)[], bytesMax = 100) {
  const stream = new PassThrough();
  const lines: string[] = [];
  let tooLong = 0;
  readLines(stream, bytesMax, { line: (line) => void lines.push(line), tooLong: () => (tooLong += 1) });
  for (const chunk of chunks) stream.emit('data', Buffer.from(chunk as string));
  return { lines, tooLong };
}

test('lines come whole however the stream is cut, also inside of a character', () => {
  const bytes = Buffer.from('one\r\ntwö\n\nthree\nrest');
  for (let at = 0; at <= bytes.length; at++)
    expect(read([bytes.subarray(0, at), bytes.subarray(at)]).lines).toEqual(['one', 'twö', '', 'three']);
  expect(read([...bytes].map((byte) => Buffer.of(byte))).lines).toEqual(['one', 'twö', '', 'three']);
});

test('a line of just the limit is told, one byte more ends the reading, in one piece or in many', () => {
  expect(read([`${'x'.repeat(100)}\n`])).toEqual({ lines: ['x'.repeat(100)], tooLong: 0 });
  expect(read([`ok\n${'x'.repeat(101)}\nnever\n`])).toEqual({ lines: ['ok'], tooLong: 1 });
  expect(read([...Array<string>(20).fill('x'.repeat(10)), '\nnever\n'])).toEqual({ lines: [], tooLong: 1 });
});
