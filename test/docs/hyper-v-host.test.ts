import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { checks } from '../../agent/doctor/checks';
import { projectRoot } from '../project-root';

const page = readFileSync(join(projectRoot, 'docs', 'hyper-v-host.md'), 'utf8');

test('the page names every check of the doctor, in its order, with what it looks at', () => {
  const table = page.slice(page.indexOf('<!-- checks'), page.indexOf('<!-- end of checks'));
  const rows = [...table.matchAll(/^\| `([a-z-]+)` +\| (.+?) +\|$/gm)].map(([, id, looksAt]) => [id, looksAt]);
  expect(rows).toEqual(checks.map(({ id, looksAt }) => [id, looksAt]));
});
