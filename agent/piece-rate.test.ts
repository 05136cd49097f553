import { PieceRate, rateWindowMs } from './piece-rate';

test('the rate is that of the last seconds, not of the whole time', () => {
  const rate = new PieceRate();
  let total = 0;
  for (let second = 0; second < 20; second++) rate.note(second * 1000, (total += 100_000_000));
  for (let second = 20; second * 1000 <= 20_000 + rateWindowMs; second++)
    rate.note(second * 1000, (total += 1_000_000));
  expect(rate.at(20_000 + rateWindowMs)).toBe(1_000_000);
});

test('there is none before bytes have come twice, and a total that stays the same is no piece', () => {
  const rate = new PieceRate();
  rate.note(5_000, 0);
  rate.note(20_000, 0);
  expect(rate.at(20_000)).toBeUndefined();
  rate.note(45_000, 8_000);
  expect(rate.at(45_000)).toBe(200);
});

test('a piece that is late makes it less, and one that is not does not', () => {
  const rate = new PieceRate();
  for (let piece = 0; piece <= 5; piece++) rate.note(piece * 20_000, piece * 1_000_000);
  expect(rate.at(119_999)).toBe(50_000);
  expect(rate.at(220_000)).toBeLessThan(40_000);
});

test('a clock that goes back begins anew', () => {
  const rate = new PieceRate();
  rate.note(5_000, 10);
  rate.note(4_000, 20);
  expect(rate.at(4_000)).toBeUndefined();
});
