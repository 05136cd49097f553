import { withoutPadding } from './phase-table';
import { preflightPage, writtenPage } from './preflight-page';

test('docs/preflight.md is that of the registry of checks', () => {
  expect(withoutPadding(writtenPage())).toBe(withoutPadding(preflightPage()));
});
