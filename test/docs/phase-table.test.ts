import { phaseTables, tablesOfReadme, withoutPadding } from './phase-table';

test("the README's tables of phases are those of the itineraries", () => {
  expect(withoutPadding(tablesOfReadme())).toBe(withoutPadding(phaseTables()));
});
