import { forgetPieces, keepPiece, takePiece } from './spare-memory';

const mib = 1024 * 1024;
afterEach(forgetPieces);

test('a piece that was given back is the next of its length, once, with what its user left in it', () => {
  const piece = takePiece(mib).fill(9);
  keepPiece(piece);
  expect(takePiece(2 * mib).buffer).not.toBe(piece.buffer);
  const next = takePiece(mib);
  expect(next.buffer).toBe(piece.buffer);
  expect(next.equals(piece)).toBe(true);
  expect(takePiece(mib).buffer).not.toBe(piece.buffer);
});

test('of each length one piece is kept, and no more than 72 MiB of all', () => {
  const [first, second] = [takePiece(32 * mib), takePiece(32 * mib)];
  keepPiece(first);
  keepPiece(second);
  expect(takePiece(32 * mib).buffer).toBe(second.buffer);
  expect(takePiece(32 * mib).buffer).not.toBe(first.buffer);
  keepPiece(second);
  const more = takePiece(41 * mib);
  keepPiece(more);
  expect(takePiece(41 * mib).buffer).not.toBe(more.buffer);
  expect(takePiece(32 * mib).buffer).toBe(second.buffer);
});
