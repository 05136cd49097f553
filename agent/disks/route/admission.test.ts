import { hostId, runId } from '../../../contracts/ids';
import { signTicket } from '../../../relay/signing';
import { admit, type AdmissionRules } from './admission';
import {
  appKey,
  claimsFor,
  failureCodeOf,
  fileSubject,
  imageSubject,
  makeHosts,
  otherAppKey,
  run,
  sourceHost,
  type Hosts,
} from './testing/hosts';

let hosts: Hosts;
beforeAll(async () => {
  hosts = await makeHosts();
});
afterAll(() => hosts.remove());

const nowMs = Date.now();
const rules: AdmissionRules = { appPublicKeys: [appKey.publicKey], hostId: sourceHost, nowMs };
const open = (ticket: string, of = run) => ({ contract: 1 as const, runId: of, ticket });

test('a good ticket lets the peer have what it says', () => {
  const claims = claimsFor(hosts, imageSubject);
  expect(admit(open(signTicket(appKey, claims)), hosts.destination.sha256, rules)).toEqual({ ok: true, value: claims });
});

test('a ticket of a second app key is as good, and one of a key that was taken away is none', () => {
  const ticket = signTicket(otherAppKey, claimsFor(hosts, imageSubject));
  const both = { ...rules, appPublicKeys: [appKey.publicKey, otherAppKey.publicKey] };
  expect(admit(open(ticket), hosts.destination.sha256, both).ok).toBe(true);
  expect(failureCodeOf(admit(open(ticket), hosts.destination.sha256, rules))).toBe('TicketInvalid');
  expect(failureCodeOf(admit(open(ticket), hosts.destination.sha256, { ...rules, appPublicKeys: [] }))).toBe(
    'TicketInvalid',
  );
});

test('a ticket whose claims were exchanged under its signature is refused', () => {
  const [, signature] = signTicket(appKey, claimsFor(hosts, imageSubject)).split('.');
  const [payload] = signTicket(otherAppKey, claimsFor(hosts, fileSubject)).split('.');
  const forged = admit(open(`${payload ?? ''}.${signature ?? ''}`), hosts.destination.sha256, rules);
  expect(failureCodeOf(forged)).toBe('TicketInvalid');
});

test.each(['', '.', 'a', 'a.b.c', 'e30.AAAA', '%%%.%%%'])('"%s" is no ticket', (text) => {
  expect(failureCodeOf(admit(open(text), hosts.destination.sha256, rules))).toBe('TicketInvalid');
});

test('a ticket for another source host is refused', () => {
  const ticket = signTicket(appKey, claimsFor(hosts, imageSubject, { sourceHost: hostId.parse('third-host') }));
  expect(admit(open(ticket), hosts.destination.sha256, rules)).toMatchObject({
    ok: false,
    failure: { code: 'TicketInvalid', message: expect.stringContaining('third-host') },
  });
});

test('a ticket of another run than the one that is asked for is refused', () => {
  const ticket = signTicket(appKey, claimsFor(hosts, imageSubject));
  const refused = admit(open(ticket, runId.parse('move-2-r1')), hosts.destination.sha256, rules);
  expect(refused).toMatchObject({
    ok: false,
    failure: { code: 'TicketInvalid', message: expect.stringContaining('move-2-r1') },
  });
});

test('a ticket in the hands of a peer with another certificate is refused', () => {
  const ticket = signTicket(appKey, claimsFor(hosts, imageSubject));
  expect(failureCodeOf(admit(open(ticket), hosts.source.sha256, rules))).toBe('TicketInvalid');
});

test('a ticket is good until its last millisecond, and transient to fail with after it', () => {
  const ticket = signTicket(appKey, claimsFor(hosts, imageSubject, { expiresAtMs: nowMs }));
  expect(admit(open(ticket), hosts.destination.sha256, rules).ok).toBe(true);
  expect(admit(open(ticket), hosts.destination.sha256, { ...rules, nowMs: nowMs + 1 })).toMatchObject({
    ok: false,
    failure: { code: 'TicketExpired', retry: 'transient', effect: 'none' },
  });
});
