import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { scriptsFolder } from '../../agent/hyperv/powershell/driver';
import { projectRoot } from '../project-root';

export type Finding = { readonly file: string; readonly line: number; readonly what: string };

type Rule = { readonly pattern: RegExp; readonly what: string };

/** What Windows PowerShell 5.1 lacks or does otherwise, found in the text alone. Comments and texts in quotes are blanked out before. */
const rules: readonly Rule[] = [
  { pattern: /\?\?=?/, what: '?? and ??= need PowerShell 7' },
  { pattern: /&&|\|\|/, what: '&& and || need PowerShell 7' },
  { pattern: /\$\{?\w+\}?\?[.[]/, what: '?. and ?[ need PowerShell 7' },
  { pattern: /(?<![|%]|Where-Object|Where)\s\?\s[^{]+\s:\s/, what: 'the ternary operator needs PowerShell 7' },
  { pattern: /ForEach-Object\b.*-Parallel\b/i, what: 'ForEach-Object -Parallel needs PowerShell 7' },
  { pattern: /-AsHashtable\b/i, what: '-AsHashtable needs PowerShell 6' },
  {
    pattern: /-AsArray\b|-EnumsAsStrings\b|-EscapeHandling\b|-DateKind\b/i,
    what: 'this parameter of the JSON cmdlets needs PowerShell 6 or 7',
  },
  {
    pattern: /-NoEmphasis\b|-SkipHttpErrorCheck\b|-SkipCertificateCheck\b/i,
    what: 'this parameter needs PowerShell 7',
  },
  {
    pattern: /\bTest-Json\b|\bGet-Error\b|\bJoin-String\b|\bRemove-Alias\b|\bGet-Uptime\b/i,
    what: 'this cmdlet needs PowerShell 6 or 7',
  },
  {
    pattern: /\$Is(?:Windows|Linux|MacOS|CoreCLR)\b/i,
    what: 'this variable is not there in 5.1, and strict mode makes its use an error',
  },
  { pattern: /\bclean\s*\{/i, what: 'the clean block needs PowerShell 7.3' },
  { pattern: /-TimeoutSec\b.*\bInvoke-CimMethod\b/i, what: 'use -OperationTimeoutSec' },
  {
    pattern: /\bGet-WmiObject\b|\bInvoke-WmiMethod\b|\[wmi\w*\]/i,
    what: 'the WMI cmdlets are gone in PowerShell 7: use the CIM cmdlets',
  },
  {
    pattern: /\bInvoke-Expression\b|\biex\b|\[scriptblock\]::Create|\.InvokeScript\(|\bNewScriptBlock\b/i,
    what: 'values are never made into script text',
  },
  { pattern: /-EncodedCommand\b|\bAdd-Type\b/i, what: 'code is in files that are reviewed, not in texts' },
  { pattern: /\bWrite-Host\b/i, what: 'a handler answers by what it returns' },
  {
    pattern: /(?<![-\w$.])%\s*\{|(?<![-\w])(?:gci|gwmi|gcim|sls|cat|ls|rm|cp|mv|select|where|foreach)\s+-/i,
    what: 'write cmdlets out; aliases differ between hosts',
  },
];

/** Comments and texts in quotes as spaces, line breaks kept, so that the rules look at code alone. Not a parser: here-strings are refused. */
function blankTexts(source: string): string {
  const blank = (text: string): string => text.replace(/[^\n]/g, ' ');
  const texts = /<#[\s\S]*?#>|(?<![\w$`])#[^\n]*|'(?:[^']|'')*'|"(?:`[\s\S]|""|\$\([^)]*\)|[^"`])*"/g;
  // What stands in $( ) within a text is code.
  const inQuotes = (text: string): string =>
    text
      .split(/(\$\([^)]*\))/)
      .map((part, at) => (at % 2 === 1 ? part : blank(part)))
      .join('');
  return source.replace(texts, (text) => (text.startsWith('"') ? inQuotes(text) : blank(text)));
}

/** What is wrong with a script for Windows PowerShell 5.1, line by line. */
export function lintScript(file: string, source: string): Finding[] {
  const findings: Finding[] = [];
  const code = blankTexts(source).split('\n');
  source.split('\n').forEach((text, at) => {
    const add = (what: string) => void findings.push({ file, line: at + 1, what });
    // 5.1 reads a file without a mark in the code page of the host.
    if (/[^\x20-\x7e\t]/.test(text)) add('scripts are of ASCII alone');
    if (/@['"]\s*$/.test(text)) add('here-strings are not used');
    for (const { pattern, what } of rules) if (pattern.test(code[at] ?? '')) add(what);
  });
  return findings;
}

/** Every script of a folder, by its path in the project. */
export function scriptsOf(folder = scriptsFolder): { readonly file: string; readonly source: string }[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.ps[md]?1$/.test(name))
    .map((name) => join(folder, name))
    .map((path) => ({ file: relative(projectRoot, path), source: readFileSync(path, 'utf8') }));
}
