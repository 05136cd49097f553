import { lookup } from 'node:dns/promises';
import { createServer } from 'node:net';
import { describeThrown } from '../../../contracts/failure';
import { errorCode, isAddressTaken } from '../../thrown';
import { critical, fine, skipped, warning, type Check, type Verdict } from '../check';

async function tryToListen(port: number, address: string): Promise<unknown> {
  const server = createServer();
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, address, resolve);
    });
    return undefined;
  } catch (thrown) {
    return thrown;
  } finally {
    server.close();
  }
}

export const byteRoutePort: Check = {
  id: 'byte-route-port',
  looksAt: 'the port on which peers are awaited can be listened on',
  async look(see): Promise<Verdict> {
    const { listenAddress, port } = see.parts.config.byteRoute;
    const folder = await see.stateFolder();
    if (port !== 0 && folder.type === 'usable' && folder.isTaken)
      return skipped('an agent runs with this state folder, and may listen there itself');
    const thrown = await tryToListen(port, listenAddress);
    const asked = port === 0 ? `any port of ${listenAddress}` : `${listenAddress}:${port}`;
    if (thrown === undefined) return fine(`${asked} is free`);
    if (isAddressTaken(thrown))
      return critical(
        `byteRoute.port is ${port}, which another program listens on at ${listenAddress}`,
        'End that program, choose another port, or 0 for any that is free.',
      );
    if (errorCode(thrown) === 'EACCES')
      return critical(
        `byteRoute.port is ${port}, which this account may not listen on`,
        'Choose a port above 1023 that Windows does not reserve (netsh int ipv4 show excludedportrange tcp).',
      );
    return critical(
      `byteRoute.listenAddress is ${listenAddress}, on which nothing can listen: ${describeThrown(thrown)}`,
      'Name an address of this host, or 0.0.0.0 for all of them.',
    );
  },
};

const isLoopback = (address: string): boolean => address === '::1' || address.startsWith('127.');
const isNoAddress = (address: string): boolean => address === '0.0.0.0' || address === '::';

export const advertisedAddress: Check = {
  id: 'advertised-address',
  looksAt: 'the address at which peers look for this host',
  async look({ parts: { config } }): Promise<Verdict> {
    const name = config.byteRoute.advertisedAddress;
    const remedy = 'Name the host, or an address of it, as the other Hyper-V hosts reach it.';
    try {
      const { address } = await lookup(name);
      if (isNoAddress(address))
        return critical(`byteRoute.advertisedAddress is ${name}, which is no address of a host`, remedy);
      if (isLoopback(address))
        return warning(`byteRoute.advertisedAddress is ${name} (${address}): no other host reaches that`, remedy);
      return fine(name === address ? name : `${name} is ${address}`);
    } catch (thrown) {
      return critical(
        `byteRoute.advertisedAddress is ${name}, which no name service knows: ${describeThrown(thrown)}`,
        remedy,
      );
    }
  },
};
