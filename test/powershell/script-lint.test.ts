import { calls } from '../../agent/hyperv/powershell/calls/definitions';
import { conformanceScriptsFolder } from '../conformance/hyperv/scripts';
import { lintScript, scriptsOf } from './script-lint';

const whatOf = (source: string) => lintScript('x.ps1', source).map(({ line, what }) => `${line}: ${what.slice(0, 24)}`);

test('the scripts have nothing that Windows PowerShell 5.1 lacks', () => {
  const scripts = [...scriptsOf(), ...scriptsOf(conformanceScriptsFolder)];
  expect(scripts.length).toBeGreaterThan(3);
  expect(scripts.flatMap(({ file, source }) => lintScript(file, source))).toEqual([]);
});

test.each([
  '$a ?? 1',
  '$a ??= 1',
  'Get-VM && Get-VHD',
  'Get-VM || exit',
  '$a?.Name',
  '${a}?[0]',
  '$x = $a ? 1 : 2',
  'Get-VM | ForEach-Object -ThrottleLimit 2 -Parallel { 1 }',
  'ConvertFrom-Json -AsHashtable',
  'ConvertTo-Json -AsArray',
  'if ($IsWindows) { 1 }',
  'Get-WmiObject Win32_Processor',
  'Invoke-Expression $text',
  '[ScriptBlock]::Create($text)',
  'Get-VM | % { $_.Name }',
  'Write-Host hello',
  '$x = @"',
  "Write-Warning '\u2019'",
  '"$($a ?? 1)"',
])('%s is found', (source) => {
  expect(whatOf(`# first\n${source}`)).toEqual([expect.stringMatching(/^2: /)]);
});

test.each([
  '# $a ?? 1 && $b',
  "$x = 'a && b ?? c'",
  '<# if ($IsWindows)\n && #>',
  'Get-VM | Where-Object { $_.Name -ne $null }',
  '$x = "is it ? maybe : no"',
  'Get-VM | Where-Object -Property Id -EQ $id',
])('%s is not', (source) => {
  expect(whatOf(source)).toEqual([]);
});

test('the table of the scripts has just the calls that the agent makes', () => {
  const table = scriptsOf().find(({ file }) => file.endsWith('table.ps1'))?.source ?? '';
  const listed = [...table.matchAll(/^ {4}'([a-z-]+)'\s*= '([\w-]+)'$/gm)];
  expect(listed.map((match) => match[1]).sort()).toEqual(Object.keys(calls).sort());
  const functions = scriptsOf().flatMap(({ source }) =>
    [...source.matchAll(/^function ([\w-]+)/gm)].map((match) => match[1]),
  );
  for (const [, , name] of listed) expect(functions).toContain(name);
});
