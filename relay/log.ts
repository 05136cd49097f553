/** One thing that happened in the relay, for people. Never holds a token, a key or a body. */
export type RelayLogLine = { readonly level: 'info' | 'warn' | 'error'; readonly message: string };
export type RelayLog = (line: RelayLogLine) => void;

export const silentLog: RelayLog = () => {};
