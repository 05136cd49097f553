import type { Sent } from '../engine/client-types';
import { notFound, type ApiResponse } from './exchange';

/** The answer to a message for an instance, in the extension's words. */
export function sentResponse(sent: Sent, instanceId: string, verb: string): ApiResponse {
  switch (sent.kind) {
    case 'sent':
      return { status: 202 };
    case 'notFound':
      return notFound;
    case 'finished':
      return { status: 410 };
    case 'wrongState':
      return {
        status: 500,
        body: {
          Message: 'Something went wrong while processing your request',
          ExceptionMessage: `Cannot ${verb} the orchestration instance ${instanceId} because instance is in the ${sent.status} state.`,
          ExceptionType: 'System.InvalidOperationException',
          StackTrace: '',
        },
      };
  }
}

export const invalidJson = (message: string): ApiResponse => ({
  status: 400,
  body: {
    Message: 'Invalid JSON content',
    ExceptionMessage: message,
    ExceptionType: 'Newtonsoft.Json.JsonReaderException',
    StackTrace: '',
  },
});

export const argumentError = (message: string, reason: string): ApiResponse => ({
  status: 400,
  body: { Message: message, ExceptionMessage: reason, ExceptionType: 'System.ArgumentException', StackTrace: '' },
});
