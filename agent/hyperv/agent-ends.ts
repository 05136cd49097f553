const message = 'the agent ends';

/** Why an operation is stopped that the next start of the agent carries on: what works without the agent meanwhile is let be. */
export const agentEnds = (): DOMException => new DOMException(message, 'AbortError');

export const endsAgent = ({ reason }: AbortSignal): boolean =>
  reason instanceof DOMException && reason.message === message;
