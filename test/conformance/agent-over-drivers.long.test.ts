import { systemClock } from '../../agent/clock';
import { createRouter } from '../../agent/http/router';
import { createLineLog } from '../../agent/log';
import { createCarryOut } from '../../agent/operations/handlers';
import { hostFacts } from '../../contracts/facts';
import { failed, failureOf, succeeded } from '../../contracts/failure';
import { hostId, vmId } from '../../contracts/ids';
import { createMemoryRelay } from '../../relay/memory-relay';
import { createNonceMemory } from '../../relay/nonces';
import { systemRandom } from '../../relay/random';
import { verifyRequest } from '../../relay/signed-request';
import { generateSigningKey, signingKeyFrom } from '../../relay/signing';
import { App } from '../agent/app';
import { FakeDriver } from '../agent/fake-driver';
import { SmallSite, source } from '../agent/small-site';
import { notStaged, vmA, Workbench } from '../agent/workbench';
import { describeAgent, type AgentUnderTest } from './agent';

const host = hostId.parse('host-1');
const key = signingKeyFrom(generateSigningKey().privateKeyBase64);

/** Router, runner and store over a driver that only pretends, joined to the client in this process. */
async function overFakeDriver(): Promise<AgentUnderTest> {
  const bench = await Workbench.make();
  const driver = new FakeDriver();
  const relay = createMemoryRelay({ signingKey: key, clock: systemClock, random: systemRandom });
  const facts = hostFacts.parse({
    ...(await driver.host()),
    hostId: host,
    driver: driver.name,
    agentVersion: '1',
    byteRoute: { address: '127.0.0.1', port: 1, certificateSha256: 'ab' },
    clientCertificateSha256: 'ab',
  });
  let leave = (): void => {};

  async function open(): Promise<void> {
    const pull = async () => failed(failureOf('PeerUnreachable', { message: 'no peer' }));
    const { runner } = await bench.open(createCarryOut(driver, pull, notStaged), systemClock);
    const nonces = createNonceMemory();
    leave = relay.listen(
      host,
      createRouter({
        hostId: host,
        driver,
        runner,
        renewAccess: () => succeeded({}),
        lookAtStorage: () => Promise.reject(new Error('nobody asks for it here')),
        host: async () => facts,
        authenticate: (request) =>
          verifyRequest([key.publicKey], request, { hostId: host, nowMs: systemClock.now(), nonces }),
        clock: systemClock,
        log: createLineLog((line) => bench.lines.push(line), systemClock),
      }),
    );
  }
  await open();
  return {
    app: new App(relay, key),
    host,
    vmId: vmId.parse(vmA),
    folder: '/vms/new',
    restart: () => {
      leave();
      return open();
    },
    close: async () => {
      leave();
      await bench.remove();
    },
  };
}

/** The whole agent as a process over a simulated host, behind the relay emulator. */
async function overSimulatedDriver(): Promise<AgentUnderTest> {
  const site = await SmallSite.make();
  let agent = await site.start(source);
  return {
    app: site.app,
    host: source,
    vmId: site.vmId,
    folder: site.folderOn(source, 'new'),
    restart: async () => {
      await agent.kill();
      agent = await site.start(source);
    },
    close: () => site.close(),
  };
}

// Real processes, on a machine that may be busy with others.
jest.setTimeout(90_000);

describeAgent('agent over a driver that only pretends', overFakeDriver);
describeAgent('agent over a simulated host, behind the relay emulator', overSimulatedDriver);
