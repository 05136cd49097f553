import { join } from 'node:path';
import { systemClock } from '../../agent/clock';
import { Supervisor } from '../stack/supervisor';

/** A supervisor as a process of its own, with dummy services, for the tests that kill it: `dummy-supervisor.js FOLDER NAME…` */
async function main(): Promise<void> {
  const [folder = '', ...names] = process.argv.slice(2);
  const supervisor = new Supervisor({ clock: systemClock, say: (line) => void process.stdout.write(`${line}\n`) });
  for (const name of names) {
    const args = [`journal=${join(folder, name)}`, ...(name.startsWith('deaf') ? ['deaf'] : [])];
    const failure = await supervisor.start({
      name,
      logPath: join(folder, `${name}.log`),
      command: { script: join(__dirname, 'dummy-service.js'), args, env: {} },
      saysReady: (line) => line.includes('ready'),
      readyMsMax: 10_000,
      stopMsMax: 1000,
    });
    if (failure !== undefined) throw new Error(failure.why);
  }
  process.on('SIGTERM', () => void supervisor.stop().then(() => process.exit(0)));
  process.stdout.write('all up\n');
}

void main();
