import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { describeThrown, failed, failureOf, type Outcome } from '../contracts/failure';
import { startEmulator } from './emulator';
import { readEmulatorConfig, type EmulatorConfig } from './emulator-config';

// node dist/relay/emulator-main.js --config FILE

const say = (stream: NodeJS.WriteStream, line: Readonly<Record<string, unknown>>) =>
  stream.write(`${JSON.stringify(line)}\n`);

function readConfig(): Outcome<EmulatorConfig> {
  const usage = 'Start it with: node dist/relay/emulator-main.js --config FILE';
  try {
    const { values } = parseArgs({ options: { config: { type: 'string' } } });
    if (values.config !== undefined) return readEmulatorConfig(readFileSync(values.config, 'utf8'));
    return failed(failureOf('RequestInvalid', { message: 'the option --config is missing', remedy: usage }));
  } catch (thrown) {
    return failed(failureOf('RequestInvalid', { message: describeThrown(thrown), remedy: usage }));
  }
}

async function main(): Promise<void> {
  const config = readConfig();
  if (!config.ok) {
    say(process.stderr, { level: 'error', message: config.failure.message, remedy: config.failure.remedy });
    process.exitCode = 2;
    return;
  }
  const emulator = await startEmulator({ ...config.value, log: (line) => say(process.stderr, line) });
  const stop = () => void emulator.close();
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  say(process.stdout, { ready: true, port: emulator.port });
}

main().catch((thrown: unknown) => {
  const remedy = 'If the port is taken, choose another in the configuration, or 0 for a free one.';
  say(process.stderr, {
    level: 'error',
    message: `the relay emulator did not start: ${describeThrown(thrown)}`,
    remedy,
  });
  process.exitCode = 1;
});
