import { spawn, type ChildProcess } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { end, outputOf, run } from '../programs';
import { absent, type Contender, type Field } from './contender';
import { answers, freePort } from './ports';
import { runCounted, secondsOfChildren } from './processor-time';

/** The whole file, nothing looked for at the destination. */
const whole = '-W';

type Daemon = {
  readonly child: ChildProcess;
  readonly port: number;
  readonly urlOf: (file: string) => string;
  /** By way of a line that ends at the daemon. */
  readonly urlAt: (port: number, file: string) => string;
};

/** A daemon on this machine that serves one folder as the byte route's source serves one file; plain. */
export async function startRsyncDaemon(folder: string, served: string): Promise<Daemon> {
  const port = await freePort();
  const configuration = join(folder, 'rsyncd.conf');
  // As root the daemon would become nobody, who may not read a temporary folder.
  const owner = process.getuid?.() === 0 ? 'uid = 0\ngid = 0\n' : '';
  const module = `[bench]\npath = ${served}\nread only = yes\nuse chroot = no\n${owner}`;
  await writeFile(configuration, `address = 127.0.0.1\nport = ${port}\n${module}`);
  const child = spawn('rsync', ['--daemon', '--no-detach', `--config=${configuration}`], { stdio: 'ignore' });
  await answers(port, 'the daemon of rsync');
  const urlAt = (at: number, file: string): string => `rsync://127.0.0.1:${at}/bench/${file}`;
  return { child, port, urlAt, urlOf: (file) => urlAt(port, file) };
}

/** Whole files from a daemon. */
export async function rsyncDaemon(folder: string, served: string, file: string): Promise<Field> {
  const help = outputOf('rsync', '--help');
  if (help === undefined) return absent('rsync is not installed');
  const { child, urlOf } = await startRsyncDaemon(folder, served);
  const line = (name: string, promises: string, ...flags: readonly string[]): Contender => ({
    name,
    promises,
    copy: countedWith(child, (target) => runCounted('rsync', whole, ...flags, urlOf(file), target)),
  });
  const hasFsync = help.includes('--fsync');
  return {
    contenders: [
      line('rsync -W (daemon)', 'plain, whole-file checksum, nothing durable'),
      ...(hasFsync ? [line('rsync -W --fsync (daemon)', 'plain, whole-file checksum, durable', '--fsync')] : []),
    ],
    missing: hasFsync ? [] : ['rsync is too old for --fsync'],
    stop: () => end(child),
  };
}

export type RsyncDelta = {
  /** Brings a file that is an older state of the image up to date in its place. Answers seconds. */
  readonly update: (target: string) => Promise<number>;
  readonly stop: () => Promise<void>;
};

/** rsync's delta of one file from a daemon, durable where it can; undefined when it is not installed. */
export async function rsyncDelta(folder: string, image: string): Promise<RsyncDelta | undefined> {
  const help = outputOf('rsync', '--help');
  if (help === undefined) return undefined;
  const { child, urlOf } = await startRsyncDaemon(folder, dirname(image));
  // Times and sizes may be the same although the bytes are not.
  const flags = ['--inplace', '--no-whole-file', '--ignore-times', ...(help.includes('--fsync') ? ['--fsync'] : [])];
  const update = async (target: string): Promise<number> =>
    (await runCounted('rsync', ...flags, urlOf(basename(image)), target)).seconds;
  return { update, stop: () => end(child) };
}

/** rsync over ssh to a server of OpenSSH on this machine, with keys of its own: encrypted, as the byte route is. */
export async function rsyncOverSsh(folder: string, image: string): Promise<Field> {
  if (outputOf('rsync', '--version') === undefined) return absent('rsync is not installed');
  const daemon = '/usr/sbin/sshd';
  if (outputOf('sh', '-c', `command -v ssh && command -v ssh-keygen && test -x ${daemon}`) === undefined)
    return absent('ssh is not installed (openssh-server, openssh-client)');
  const home = join(folder, 'ssh');
  await mkdir(home, { mode: 0o700 });
  for (const name of ['host', 'user']) await run('ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', join(home, name));
  const port = await freePort();
  const lines = [
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${join(home, 'host')}`,
    `AuthorizedKeysFile ${join(home, 'user.pub')}`,
    // The folder is for temporary files, which everybody may write beside.
    'StrictModes no',
    'UsePAM no',
    'PidFile none',
  ];
  await writeFile(join(home, 'sshd_config'), `${lines.join('\n')}\n`);
  // As root it wants this folder to be there.
  if (process.getuid?.() === 0) await mkdir('/run/sshd', { recursive: true });
  const child = spawn(daemon, ['-D', '-f', join(home, 'sshd_config')], { stdio: 'ignore' });
  await answers(port, 'sshd');
  const options = ['StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null', 'LogLevel=ERROR', 'BatchMode=yes'];
  const ssh = ['ssh', '-F', 'none', '-p', port, '-i', join(home, 'user'), ...options.flatMap((one) => ['-o', one])];
  const from = `${userInfo().username}@127.0.0.1:${image}`;
  const copy = countedWith(child, (target) => runCounted('rsync', whole, '-e', ssh.join(' '), from, target));
  const promises = 'encrypted, whole-file checksum, nothing durable';
  return { contenders: [{ name: 'rsync -W over ssh', promises, copy }], missing: [], stop: () => end(child) };
}

/** The server's part is what its children took, of which each serves one connection. */
const countedWith =
  (server: ChildProcess, copy: (target: string) => ReturnType<typeof runCounted>): Contender['copy'] =>
  async (target) => {
    const before = await secondsOfChildren(server.pid);
    const { seconds, processorSeconds: destination } = await copy(target);
    const after = await settled(server, before);
    if (before === undefined || after === undefined) return { seconds };
    return { seconds, processorSeconds: { source: after - before, destination } };
  };

/** A child is counted when the server has waited for it, shortly after the client has ended. */
async function settled(server: ChildProcess, before: number | undefined): Promise<number | undefined> {
  for (let tries = 0; tries < 100; tries++) {
    const now = await secondsOfChildren(server.pid);
    if (now === undefined || now !== before) return now;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return undefined;
}
