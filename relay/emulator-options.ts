import type { Clock } from './clock';
import type { EmulatorConfig } from './emulator-config';
import type { RelayLog } from './log';
import type { Random } from './random';

export const emulatorLimits = {
  /** The relay's own deadline for an answer. */
  responseMsMax: 60_000,
  /** How long the address of a rendezvous may be used. */
  rendezvousMsMax: 30_000,
  listenersMax: 25,
  requestBytesMax: 8 * 1024 * 1024,
  responseBytesMax: 8 * 1024 * 1024,
  /** A control channel on which the listener sends nothing is dropped; hosts saw a little more than four minutes. */
  idleMsMax: 255_000,
};
export type EmulatorLimits = Readonly<typeof emulatorLimits>;

export type ResponseFault =
  | { readonly do: 'deliver' | 'drop' | 'duplicate' }
  /** Half of the body, then the sender's connection ends. */
  | { readonly do: 'cut' }
  | { readonly do: 'delay'; readonly ms: number };

/** How strict the emulator is and what goes wrong in it. A test changes them while it runs. */
export type EmulatorSwitches = {
  tokens: 'checked' | 'ignored';
  /** What a sender gets when no listener is there: the documentation names two of these, and the third was seen. */
  noListenerStatus: 404 | 502 | 503;
  /** The service is said to drop a control channel on which a PING frame comes. */
  onPing: 'close-channel' | 'answer';
  /** Answered to every attempt to listen, instead of listening. */
  listenStatus: number | null;
  rendezvous: 'served' | 'refused';
  /** Asked for each request on its way to a listener. */
  request: () => 'deliver' | 'drop' | 'duplicate';
  /** Asked for each response on its way to the sender. */
  response: () => ResponseFault;
};

export const emulatorSwitches: Readonly<EmulatorSwitches> = {
  tokens: 'checked',
  noListenerStatus: 502,
  onPing: 'close-channel',
  listenStatus: null,
  rendezvous: 'served',
  request: () => 'deliver',
  response: () => ({ do: 'deliver' }),
};

export type EmulatorOptions = EmulatorConfig & {
  readonly clock?: Clock;
  readonly random?: Random;
  readonly log?: RelayLog;
  readonly limits?: Partial<EmulatorLimits>;
  readonly switches?: Partial<EmulatorSwitches>;
};

export type EmulatorContext = EmulatorConfig & {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: RelayLog;
  readonly limits: EmulatorLimits;
  readonly switches: EmulatorSwitches;
};
