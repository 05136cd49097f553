import { createInterface } from 'node:readline/promises';
import { findEngine, type Engine } from '../../../agent/hyperv/powershell/worker/engine';
import { describeThrown } from '../../../contracts/failure';
import { parsedOptions, usage, type Options } from './options';
import { allHold, describeColumns, type Column } from './report';
import { runCases } from './run-cases';
import { cleanSessions, runOnThisHost, type Person } from './session';

const out = (line: string): void => void process.stdout.write(`${line}\n`);
const say = (line: string): void => void process.stderr.write(`${line}\n`);

const person: Person = {
  say,
  agrees: async (question) => {
    if (!process.stdin.isTTY)
      throw new Error('nobody can be asked here: give --yes when you agree to what stands above');
    const asked = createInterface({ input: process.stdin, output: process.stderr });
    try {
      return (await asked.question(`${question} Type yes: `)).trim().toLowerCase() === 'yes';
    } finally {
      asked.close();
    }
  },
};

const codes = { holds: 0, doesNotHold: 1, nothingRun: 2 } as const;

async function main(): Promise<number> {
  const options = parsedOptions(process.argv.slice(2));
  if (options.help) {
    out(usage);
    return codes.holds;
  }
  const engine = findEngine();
  if (options.clean) return clean(needed(engine), options);
  const signal = interrupted();
  const columns: Column[] = [];
  const left: string[] = [];
  for (const host of options.host ?? (engine === undefined ? ['simulated'] : ['simulated', 'stand-in'])) {
    if (host === 'this') {
      const ended = await runOnThisHost(needed(engine), { ...options, folder: options.folder ?? '' }, person, signal);
      if (ended === 'not wanted') return codes.nothingRun;
      columns.push({ host: 'this host', verdicts: ended.verdicts });
      left.push(...ended.left);
    } else {
      if (host === 'stand-in') needed(engine);
      const file = host === 'simulated' ? 'hyperv-simulated.long.test.js' : 'hyperv-powershell.long.test.js';
      columns.push({ host, verdicts: await runCases({ file, only: options.only, signal }) });
    }
  }
  tell(columns, left, options);
  return allHold(columns) && left.length === 0 ? codes.holds : codes.doesNotHold;
}

function needed(engine: Engine | undefined): Engine {
  if (engine !== undefined) return engine;
  throw new Error('there is no PowerShell on the PATH; install one, or name it in HYPERFERRY_PWSH');
}

/** Aborted by the first Ctrl+C, so that what was made is removed. */
function interrupted(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => controller.abort(new Error(name)));
  return controller.signal;
}

function tell(columns: readonly Column[], left: readonly string[], { json }: Options): void {
  if (json) {
    const told = columns.map(({ host, verdicts }) => ({ host, cases: Object.fromEntries(verdicts) }));
    out(JSON.stringify({ columns: told, left }, null, 2));
    return;
  }
  for (const line of describeColumns(columns)) out(line);
  for (const what of left) out(`left behind: ${what}`);
}

async function clean(engine: Engine, options: Options): Promise<number> {
  const removed = await cleanSessions(engine, { ...options, folder: options.folder ?? '' }, person);
  if (removed === 'not wanted') return codes.nothingRun;
  if (options.json) out(JSON.stringify({ removed }));
  else if (removed.length === 0) out('no session left anything');
  else for (const folder of removed) out(`removed ${folder}`);
  return codes.holds;
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (thrown: unknown) => {
    say(describeThrown(thrown));
    process.exitCode = codes.nothingRun;
  },
);
