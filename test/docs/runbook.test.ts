import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { failureCodes } from '../../contracts/failure-codes';
import { projectRoot } from '../project-root';

const runbook = readFileSync(join(projectRoot, 'docs', 'runbook.md'), 'utf8');
const entries = [...runbook.matchAll(/^### (\w+)$/gm)].map((match) => match[1]);

test('every failure code has one entry in the runbook', () => {
  expect([...entries].sort()).toEqual(Object.keys(failureCodes).sort());
});

test('no entry of the runbook is empty', () => {
  const texts = runbook.split(/^### \w+$/m).slice(1);
  for (const text of texts) expect(text.trim().length).toBeGreaterThan(30);
});
