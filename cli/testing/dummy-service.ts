import { appendFileSync } from 'node:fs';
import { createServer } from 'node:net';

/**
 * A service for the tests of the supervisor, as a script of its own. Arguments, in any order:
 * `journal=FILE` appends its process id and what happens to it; `silent` never says that it is ready; `deaf` ignores SIGTERM;
 * `dies=MS` ends by itself with code 3 after that; `port=N` listens there and ends with code 4 when it cannot.
 */
const settings = new Map(
  process.argv.slice(2).map((argument): [string, string] => {
    const [name = '', value = ''] = argument.split('=');
    return [name, value];
  }),
);
const note = (what: string): void => {
  const file = settings.get('journal');
  if (file !== undefined) appendFileSync(file, `${what} ${process.pid}\n`);
};
const sayReady = (): void => {
  if (!settings.has('silent')) process.stdout.write(`${JSON.stringify({ ready: true })}\n`);
};

note('started');
process.stderr.write(`dummy ${process.pid} speaks\n`);
process.on('SIGTERM', () => {
  note('asked-to-stop');
  if (!settings.has('deaf')) process.exit(0);
});
const dies = settings.get('dies');
if (dies !== undefined) setTimeout(() => process.exit(3), Number(dies));
const port = settings.get('port');
if (port === undefined) {
  setInterval(() => undefined, 60_000);
  sayReady();
} else {
  const server = createServer();
  server.on('error', () => process.exit(4));
  server.listen(Number(port), '127.0.0.1', sayReady);
}
