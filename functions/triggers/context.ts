import type { HttpRequest, HttpResponseInit, InvocationContext } from '@azure/functions';
import * as df from 'durable-functions';
import type { App } from '../../activities/app';
import { describeThrown, failureOf } from '../../contracts/failure';
import { problemOf } from './answers';

/** What every HTTP handler is given. */
export type Call = { readonly app: App; readonly client: df.DurableClient; readonly request: HttpRequest };

export type Route = {
  /** Name of the function. */
  readonly name: string;
  readonly method: 'GET' | 'POST';
  /** Below the route prefix. */
  readonly route: string;
  readonly handle: (call: Call) => Promise<HttpResponseInit>;
};

/** Registers a route. What a handler throws is a bug: it is logged with its invocation, and answered without its text. */
export function registerRoute(app: () => App, { name, method, route, handle }: Route): void {
  df.app.client.http(name, {
    route,
    methods: [method],
    authLevel: 'function',
    handler: async (request: HttpRequest, client: df.DurableClient, context: InvocationContext) => {
      try {
        return await handle({ app: app(), client, request });
      } catch (thrown) {
        context.error(`${name}: ${describeThrown(thrown)}`);
        const message = `The request failed inside the app; its log has it under invocation ${context.invocationId}.`;
        return problemOf(failureOf('Bug', { message }));
      }
    },
  });
}
