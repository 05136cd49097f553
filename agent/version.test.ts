import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { agentVersion } from './version';

test('the version that the agent says it has is that of the package', () => {
  const text = readFileSync(join(__dirname, '..', '..', 'package.json'), 'utf8');
  expect(z.object({ version: z.string() }).parse(JSON.parse(text)).version).toBe(agentVersion);
});
