#!/usr/bin/env node
// This file runs under whatever Node is installed, so until the version is known it uses nothing that needs a new one.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

const nodeMajorMin = 24;

/** The Node that this package brings for the platform, as one of its optional dependencies. */
function pinnedNode(): string | undefined {
  const platform = process.platform === 'win32' ? 'win' : process.platform;
  const binary = process.platform === 'win32' ? 'node.exe' : 'node';
  try {
    const folder = dirname(require.resolve(`node-${platform}-${process.arch}/package.json`));
    const path = join(folder, 'bin', binary);
    return existsSync(path) ? path : undefined;
  } catch {
    return undefined;
  }
}

function sayWhichNode(): void {
  process.stderr.write(
    `error: hyperferry needs Node ${nodeMajorMin} or newer, and this is Node ${process.version} (${process.execPath})\n` +
      `  remedy: Install Node ${nodeMajorMin}; or, on Linux (x64, arm64) or Windows (x64), run "npm ci" without --omit=optional, which brings one.\n`,
  );
  process.exitCode = 7;
}

/** Runs the same command line under another Node and ends as it ends. */
function runUnder(node: string): void {
  // With the guard (cli/stack/guard.ts), it ends when this process is killed and cannot pass that on.
  const guard = join(__dirname, 'stack', 'guard.js');
  const child = spawn(node, ['--require', guard, __filename, ...process.argv.slice(2)], {
    stdio: ['inherit', 'inherit', 'inherit', 'pipe'],
    env: { ...process.env, HYPERFERRY_GUARD_PARENT: String(process.pid) },
  });
  // Ctrl-C in a terminal reaches the child as well, which takes two signals close together for one.
  process.on('SIGINT', () => child.kill('SIGINT'));
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  child.on('error', (thrown) => {
    process.stderr.write(`error: ${node} cannot be started: ${thrown.message}\n`);
    process.exitCode = 7;
  });
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? (signal === 'SIGINT' ? 130 : 1);
  });
}

async function main(): Promise<void> {
  if (Number(process.versions.node.split('.')[0]) >= nodeMajorMin) {
    const { runCli } = await import('./run.js');
    await runCli();
    return;
  }
  const pinned = pinnedNode();
  if (pinned === undefined) sayWhichNode();
  else runUnder(pinned);
}

void main();
