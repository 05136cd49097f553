import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { hasRecordings, recordingsFolder } from '../testing/recordings';
import { clientBinding } from './links';

const links = {
  origin: 'http://127.0.0.1:7071',
  rpcOrigin: 'http://127.0.0.1:17071',
  hubName: 'TestHub',
  systemKey: 'KEY',
};

(hasRecordings() ? test : test.skip)(
  'the durable client binding is the recorded one, field by field and in its order',
  () => {
    const recorded = readFileSync(join(recordingsFolder, 'client.json'), 'utf8')
      .replace('"rpcBaseUrl":"{base}', '"rpcBaseUrl":"http://127.0.0.1:17071')
      .replaceAll('{base}', 'http://127.0.0.1:7071')
      .replaceAll('{key}', 'KEY');
    expect(clientBinding(links)).toBe(recorded.trim());
  },
);
