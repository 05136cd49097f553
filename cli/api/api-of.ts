import { bad, good, type Context, type Result } from '../context';
import { badInput } from '../failure';
import { resolveAddress } from './address';
import { createApi, type HyperferryApi } from './client';

/** The API client for the address that options and environment name. */
export function apiOf(
  context: Context,
  options: { readonly api?: string | undefined; readonly key?: string | undefined },
): Result<HyperferryApi> {
  const address = resolveAddress(options, context.env);
  if ('baseUrl' in address) return good(createApi({ baseUrl: address.baseUrl, key: address.key }));
  const more = { detail: address.message, remedy: address.remedy };
  return address.reason === 'none-known'
    ? bad({ exit: 'unreachable', title: 'no address of the HTTP interface', ...more, next: 'hyperferry up' })
    : bad(badInput('the address of the HTTP interface is wrong', { field: '--api', ...more }));
}
