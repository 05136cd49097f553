import { parseArgs } from 'node:util';
import { runAgent } from './run';

const usage = 'usage: node dist/agent/main.js --config FILE';

/** Exit codes: 0 ended on request, 1 ended by a fault, 2 the command line or the configuration is wrong. */
const exitCodes = { done: 0, fault: 1, refused: 2 } as const;

function configPathOf(args: readonly string[]): string | undefined {
  try {
    return parseArgs({ args: [...args], options: { config: { type: 'string' } } }).values.config;
  } catch {
    return undefined;
  }
}

/** Aborted on SIGTERM and SIGINT; a second one ends the process at once. */
function endSignal(): AbortSignal {
  const asked = new AbortController();
  const end = (): void => {
    if (asked.signal.aborted) process.exit(exitCodes.fault);
    asked.abort();
  };
  process.on('SIGTERM', end);
  process.on('SIGINT', end);
  return asked.signal;
}

async function main(args: readonly string[]): Promise<void> {
  const write = (line: string): void => void process.stderr.write(`${line}\n`);
  const configPath = configPathOf(args);
  if (configPath === undefined) {
    write(usage);
    process.exit(exitCodes.refused);
  }
  const ended = await runAgent({
    configPath,
    write,
    ready: (told) => void process.stdout.write(`${JSON.stringify(told)}\n`),
    signal: endSignal(),
  });
  process.exit(exitCodes[ended]);
}

void main(process.argv.slice(2));
