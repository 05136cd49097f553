import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../project-root';

const folder = join(projectRoot, 'docs', 'decisions');
const files = readdirSync(folder).sort();

test('each decision has a number of its own, in its file name and in its title', () => {
  const numbers = files.map((file) => file.slice(0, 4));
  expect(new Set(numbers).size).toBe(files.length);
  const titles = files.map((file) => readFileSync(join(folder, file), 'utf8').slice(0, 7));
  expect(titles).toEqual(numbers.map((number) => `# ${number} `));
});
