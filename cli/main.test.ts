import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exitCodes } from './exit';
import { cliMain } from './testing/run-cli';

// The entry file under a Node that is too old. One is pretended: a preload that changes what the version reads.

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'hyperferry-main-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const oldNode = (): string => {
  const preload = join(folder, 'old.cjs');
  writeFileSync(preload, `Object.defineProperty(process.versions, 'node', { value: '20.20.2' });\n`);
  return preload;
};

test('the built entry file is a program that a shell runs', () => {
  expect(readFileSync(cliMain, 'utf8').split('\n')[0]).toBe('#!/usr/bin/env node');
  // Windows has no such right; npm makes a command file there.
  if (process.platform !== 'win32') expect(statSync(cliMain).mode & 0o111).toBe(0o111);
});

test('under an old Node the pinned one is run, with the same arguments and the same exit code', () => {
  // As if it were the package of the pinned Node for this platform, wherever that is installed.
  const name = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`;
  const pinned = join(folder, 'node_modules', name);
  mkdirSync(join(pinned, 'bin'), { recursive: true });
  writeFileSync(join(pinned, 'package.json'), JSON.stringify({ name, version: '24.0.0' }));
  symlinkSync(process.execPath, join(pinned, 'bin', process.platform === 'win32' ? 'node.exe' : 'node'));
  cpSync(cliMain, join(folder, 'main.js'));
  mkdirSync(join(folder, 'stack'));
  cpSync(join(__dirname, 'stack', 'guard.js'), join(folder, 'stack', 'guard.js'));
  writeFileSync(
    join(folder, 'run.js'),
    `exports.runCli = () => { console.log(JSON.stringify(process.argv.slice(2))); process.exitCode = 5; };\n`,
  );
  const run = spawnSync(process.execPath, ['--require', oldNode(), join(folder, 'main.js'), 'status', 'm 1'], {
    encoding: 'utf8',
  });
  expect(run).toMatchObject({ status: 5, stdout: '["status","m 1"]\n', stderr: '' });
});

test('under an old Node without a pinned one, the program says which Node it needs', () => {
  cpSync(cliMain, join(folder, 'main.js'));
  const run = spawnSync(process.execPath, ['--require', oldNode(), join(folder, 'main.js'), 'hosts'], {
    encoding: 'utf8',
  });
  expect(run.status).toBe(exitCodes.localStack.code);
  expect(run.stderr).toContain('needs Node 24 or newer');
  expect(run.stderr).toContain('npm ci');
});
