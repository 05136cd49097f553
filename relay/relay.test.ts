import { describeTransport, largeBytes } from './conformance';
import { connected, testClient, testEmulator, testHost, testListener, testSigningKey } from './testing/support';

describeTransport('over listener, emulator and client', async () => {
  const signingKey = testSigningKey();
  const emulator = await testEmulator();
  const client = testClient(emulator.endpoint, { signingKey, requestBytesMax: largeBytes + 100 });
  const stops: (() => Promise<void>)[] = [];
  return {
    client,
    hostId: testHost,
    publicKey: signingKey.publicKey,
    serve: async (handler) => {
      const listener = testListener(emulator.endpoint, handler, { limits: { drainMsMax: 100 } });
      stops.push(() => listener.close());
      await connected(listener);
      return () => listener.close();
    },
    close: async () => {
      await Promise.all(stops.map((stop) => stop()));
      await emulator.close();
    },
  };
});
