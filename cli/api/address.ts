import { homeFolder } from '../home';
import { processExists, readRunningStack } from '../stack/running';

/** Where the HTTP interface is, and how that is known. */
export type Address = {
  readonly baseUrl: string;
  readonly key: string | undefined;
  readonly source: 'option' | 'environment' | 'local-stack';
};

export type AddressProblem = {
  readonly reason: 'none-known' | 'not-a-url' | 'key-in-the-clear';
  readonly message: string;
  readonly remedy: string;
};

const loopback = new Set(['localhost', '127.0.0.1', '[::1]']);

function checked(text: string, key: string | undefined, source: Address['source']): Address | AddressProblem {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:'))
    return {
      reason: 'not-a-url',
      message: `the address "${text}" is not an http or https URL`,
      remedy: 'Give one such as https://NAME.azurewebsites.net/api or http://127.0.0.1:7071/api.',
    };
  if (key !== undefined && url.protocol === 'http:' && !loopback.has(url.hostname))
    return {
      reason: 'key-in-the-clear',
      message: `the function key would travel unencrypted to ${url.host}`,
      remedy: 'Give the https address of the app.',
    };
  const path = url.pathname.replace(/\/+$/, '');
  return { baseUrl: `${url.origin}${path === '' ? '/api' : path}`, key, source };
}

const given = (text: string | undefined): string | undefined => (text === undefined || text === '' ? undefined : text);

/**
 * The address by `--api`, else HYPERFERRY_API, else of the local stack that runs in the state folder. An address without a path gets
 * `/api`, the default of Azure Functions.
 */
export function resolveAddress(
  options: { readonly api?: string | undefined; readonly key?: string | undefined },
  env: NodeJS.ProcessEnv,
): Address | AddressProblem {
  const key = given(options.key) ?? given(env['HYPERFERRY_KEY']);
  if (options.api !== undefined) return checked(options.api, key, 'option');
  const fromEnvironment = given(env['HYPERFERRY_API']);
  if (fromEnvironment !== undefined) return checked(fromEnvironment, key, 'environment');
  const home = homeFolder(env);
  const running = readRunningStack(home);
  if (running !== undefined && processExists(running.pid)) return checked(running.apiUrl, key, 'local-stack');
  return {
    reason: 'none-known',
    message: `no address is given, and no local stack runs in ${home}`,
    remedy: 'Give --api URL, set HYPERFERRY_API, or start the local stack.',
  };
}
