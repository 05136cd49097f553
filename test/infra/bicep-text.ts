import { readFileSync } from 'node:fs';

/**
 * Just enough of Bicep to check these files without its compiler: declarations with their decorators, and the parameters of modules.
 * It reads the files as they are formatted here (declarations begin a line, blocks are indented by two) and is no parser.
 */
export type Declaration = {
  readonly name: string;
  readonly description: string | undefined;
  readonly secure: boolean;
  readonly optional: boolean;
};

export type ModuleUse = { readonly name: string; readonly path: string; readonly parameters: readonly string[] };

export type BicepFile = {
  readonly text: string;
  /** The text without comments, in which a name that only a comment mentions is not found. */
  readonly code: string;
  readonly parameters: readonly Declaration[];
  readonly outputs: readonly Declaration[];
  readonly variables: readonly string[];
  readonly modules: readonly ModuleUse[];
};

const withoutComments = (text: string): string => text.replace(/^\s*\/\/.*$/gm, '');

function declarations(code: string, keyword: 'param' | 'output'): Declaration[] {
  const pattern = new RegExp(`((?:^@.*\\n)*)^${keyword} (\\w+) (.*)$`, 'gm');
  return [...code.matchAll(pattern)].map(([, decorators = '', name = '', rest = '']) => ({
    name,
    description: /^@description\('((?:[^'\\]|\\.)+)'\)$/m.exec(decorators)?.[1],
    secure: /^@secure\(\)$/m.test(decorators),
    optional: rest.includes('='),
  }));
}

function modulesOf(code: string): ModuleUse[] {
  return [...code.matchAll(/^module (\w+) '([^']+)' = \{\n([\s\S]*?)^\}/gm)].map(
    ([, name = '', path = '', body = '']) => {
      const block = /^ {2}params: \{\n([\s\S]*?)^ {2}\}/m.exec(body)?.[1] ?? '';
      return { name, path, parameters: [...block.matchAll(/^ {4}(\w+):/gm)].map(([, parameter = '']) => parameter) };
    },
  );
}

export function readBicep(path: string): BicepFile {
  const text = readFileSync(path, 'utf8');
  const code = withoutComments(text);
  return {
    text,
    code,
    parameters: declarations(code, 'param'),
    outputs: declarations(code, 'output'),
    variables: [...code.matchAll(/^var (\w+) =/gm)].map(([, name = '']) => name),
    modules: modulesOf(code),
  };
}

/** How often a name stands in the code, its declaration included. */
export const mentions = (code: string, name: string): number =>
  [...code.matchAll(new RegExp(`(?<![\\w.])${name}(?!\\w)`, 'g'))].length;
