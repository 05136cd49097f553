import { randomBytes, randomUUID } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { failed, failureOf, succeeded, type Failure, type Outcome } from '../../contracts/failure';
import { hostId } from '../../contracts/ids';
import { sealingKeyFrom } from '../../relay/sealed-key';
import { systemClock } from '../clock';
import type { CallArguments, CallName } from '../hyperv/powershell/calls/definitions';
import type { GuardianFacts } from '../hyperv/powershell/calls/guardians';
import { takeStateLock } from '../state-lock';
import { exportGuardian, importGuardian, makeOffer, type Imported } from './courier';
import { GuardianFolder } from './folder';
import { fingerprintOf, offerMsMax, type GuardianOffer } from './offer';
import type { GuardianCalls, GuardianParts } from './parts';
import type { SealedGuardian } from './sealed';

const at = Date.parse('2026-03-01T00:00:00Z');
const facts = (name: string, digit: string): GuardianFacts => ({
  name,
  hasPrivateKey: true,
  signingThumbprint: `5${digit.repeat(39)}`,
  encryptionThumbprint: `E${digit.repeat(39)}`,
});
const ofSource = facts('UntrustedGuardian', 'A');

let folder = '';
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'hyperferry-guardians-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A host whose Hyper-V is a list of guardians; `asked` is what it was asked, `failing` what it answers instead. */
class FakeHost {
  guardians: GuardianFacts[] = [];
  asked: { name: string; args: Record<string, unknown> }[] = [];
  failing: Failure | undefined;
  exported: object | undefined;
  nowMs = at;
  /** What lay in the files that an import named. */
  files: string[] = [];

  constructor(readonly name: string) {}

  readonly parts = (): GuardianParts => ({
    config: {
      hostId: hostId.parse(this.name),
      stateFolder: join(folder, this.name),
      driver: { type: 'simulated', folder },
    },
    clock: { ...systemClock, now: () => this.nowMs },
    newGuid: randomUUID,
    randomBytes,
  });

  readonly hyperV: GuardianCalls = {
    call: ((name: CallName, args: Record<string, unknown>) => {
      this.asked.push({ name, args });
      return Promise.resolve(this.failing === undefined ? succeeded(this.answer(name, args)) : failed(this.failing));
    }) as never,
  };

  private answer(name: CallName, args: Record<string, unknown>): unknown {
    if (name === 'read-guardians') return { guardians: this.guardians };
    const guardian = this.guardians.find((one) => one.name === args['Name']);
    if (name === 'export-guardian') {
      if (this.exported !== undefined) return this.exported;
      return guardian === undefined
        ? { state: 'absent' }
        : { state: 'exported', guardian, signingPfx: 'c2lnbmluZw==', encryptionPfx: 'ZW5jcnlwdGlvbg==' };
    }
    const given = args as CallArguments<'import-guardian'>;
    this.files = [given.SigningPath, given.EncryptionPath].map((path) => readFileSync(path, 'utf8'));
    const here = this.guardians.find((one) => one.encryptionThumbprint === given.EncryptionThumbprint);
    if (here !== undefined) return { state: 'already', guardian: here };
    if (guardian !== undefined) return { state: 'name-taken', guardian };
    const made = { ...ofSource, name: given.Name };
    this.guardians.push(made);
    return { state: 'imported', guardian: made };
  }

  stateFiles(): string[] {
    return (readdirSync(join(folder, this.name), { recursive: true }) as string[])
      .filter((one) => statSync(join(folder, this.name, one)).isFile() && !one.endsWith('lock.db'))
      .sort();
  }
}

const valueOf = <T>(outcome: Outcome<T>): T => {
  if (!outcome.ok) throw new Error(`${outcome.failure.code}: ${outcome.failure.message}`);
  return outcome.value;
};
const failureIn = <T>(outcome: Outcome<T>): Failure => {
  if (outcome.ok) throw new Error(`it was done: ${JSON.stringify(outcome.value)}`);
  return outcome.failure;
};

function hosts(): { a: FakeHost; b: FakeHost } {
  const a = new FakeHost('host-a');
  a.guardians = [ofSource];
  return { a, b: new FakeHost('host-b') };
}
const exported = (from: FakeHost, offer: unknown) =>
  exportGuardian(from.parts(), from.hyperV, 'UntrustedGuardian', offer);
const imported = (to: FakeHost, sealed: unknown, as?: string): Promise<Outcome<Imported>> =>
  importGuardian(to.parts(), to.hyperV, sealed, as);

async function sealedFor(a: FakeHost, b: FakeHost): Promise<SealedGuardian> {
  return valueOf(await exported(a, valueOf(await makeOffer(b.parts())))).sealed;
}

test('a guardian is exported to an offer and imported by the host that made it, and nothing of it is left on disk', async () => {
  const { a, b } = hosts();
  const offer = valueOf(await makeOffer(b.parts()));
  expect(offer).toMatchObject({ hostId: 'host-b', expiresAt: '2026-03-02T00:00:00.000Z' });
  expect(offer.fingerprint).toMatch(/^(?:[0-9A-F]{4}-){5}[0-9A-F]{4}$/);
  expect(b.stateFiles()).toEqual([join('guardians', 'offers', `${offer.id}.json`)]);
  const { sealed } = valueOf(await exported(a, offer));
  expect(sealed).toMatchObject({ offerId: offer.id, from: 'host-a', to: 'host-b' });
  const { Password: password } = a.asked[0]!.args as CallArguments<'export-guardian'>;
  for (const secret of [password, 'signing', 'c2lnbmluZw==']) {
    expect(JSON.stringify(sealed)).not.toContain(`"${secret}"`);
    expect(Buffer.from(sealed.sealed, 'base64').toString('latin1')).not.toContain(secret);
  }
  expect(valueOf(await imported(b, sealed))).toEqual({ state: 'imported', guardian: ofSource });
  expect(b.files).toEqual(['signing', 'encryption']);
  expect(b.asked[0]?.args).toMatchObject({ Name: 'UntrustedGuardian', Password: password });
  expect(b.stateFiles()).toEqual([]);
});

test('the secret of an offer and the folder that it lies in are for their owner alone', async () => {
  const { b } = hosts();
  const offer = valueOf(await makeOffer(b.parts()));
  const modeOf = (...path: string[]) => statSync(join(folder, 'host-b', 'guardians', ...path)).mode & 0o077;
  if (process.platform === 'win32') return;
  expect([modeOf(), modeOf('offers', `${offer.id}.json`)]).toEqual([0, 0]);
});

test('imported again, it says that the guardian is here, and asks Hyper-V for no change', async () => {
  const { a, b } = hosts();
  const sealed = await sealedFor(a, b);
  valueOf(await imported(b, sealed));
  b.asked = [];
  expect(valueOf(await imported(b, sealed))).toEqual({ state: 'already', guardian: ofSource });
  expect(b.asked.map(({ name }) => name)).toEqual(['read-guardians']);
});

test('replayed on a host that removed the guardian, a used offer opens nothing', async () => {
  const { a, b } = hosts();
  const sealed = await sealedFor(a, b);
  valueOf(await imported(b, sealed));
  b.guardians = [];
  expect(failureIn(await imported(b, sealed))).toMatchObject({ code: 'NotFound', effect: 'none' });
  expect(b.guardians).toEqual([]);
});

test('an offer whose import failed is still open: the same file can be imported once more', async () => {
  const { a, b } = hosts();
  const sealed = await sealedFor(a, b);
  b.failing = failureOf('AccessDenied', { message: 'no' });
  expect(failureIn(await imported(b, sealed)).code).toBe('AccessDenied');
  expect(b.stateFiles()).toHaveLength(1);
  b.failing = undefined;
  expect(valueOf(await imported(b, sealed)).state).toBe('imported');
});

test('anything that is changed of a sealed guardian breaks its seal, and Hyper-V is asked for nothing', async () => {
  const { a, b } = hosts();
  const sealed = await sealedFor(a, b);
  const other = valueOf(await makeOffer(b.parts()));
  const bytes = Buffer.from(sealed.sealed, 'base64');
  const changes: Partial<SealedGuardian>[] = [
    { offerId: other.id },
    { from: hostId.parse('host-c') },
    ...(['name', 'signingThumbprint', 'encryptionThumbprint'] as const).map((field) => ({
      guardian: { ...sealed.guardian, [field]: field === 'name' ? 'Other' : 'B'.repeat(40) },
    })),
    ...[0, 40, bytes.length - 1].map((index) => {
      const changed = Buffer.from(bytes);
      changed[index] = (changed[index] ?? 0) ^ 1;
      return { sealed: changed.toString('base64') };
    }),
    { sealed: bytes.subarray(0, -1).toString('base64') },
    { sealed: '' },
  ];
  for (const change of changes)
    expect(failureIn(await imported(b, { ...sealed, ...change }))).toMatchObject({
      code: 'RequestInvalid',
      remedy: expect.stringContaining('agent guardian offer') as string,
    });
  expect(b.asked).toEqual([]);
  expect(valueOf(await imported(b, sealed)).state).toBe('imported');
});

test.each([
  ['is no object', 'text'],
  ['is nothing', null],
  ['has a field more', { more: 1 }],
  ['has a path for an id', { offerId: '../../x' }],
  ['has a thumbprint of another form', { guardian: { ...ofSource, name: 'x', signingThumbprint: 'ab' } }],
])('what %s is no sealed guardian, and the field is named', async (_what, change) => {
  const { a, b } = hosts();
  const sealed = await sealedFor(a, b);
  const given = typeof change === 'object' && change !== null ? { ...sealed, ...change } : change;
  expect(failureIn(await imported(b, given))).toMatchObject({
    code: 'RequestInvalid',
    subject: { field: expect.stringMatching(/^SEALED/) as string },
  });
});

test('a guardian that is sealed for another host is refused with the name of that host', async () => {
  const { a, b } = hosts();
  const sealed = await sealedFor(a, b);
  expect(failureIn(await imported(new FakeHost('host-c'), sealed))).toMatchObject({
    code: 'RequestInvalid',
    message: expect.stringContaining('host-b') as string,
  });
});

test('after 24 hours an offer is refused at the source, opens nothing at the destination, and its secret is gone', async () => {
  const { a, b } = hosts();
  const offer = valueOf(await makeOffer(b.parts()));
  a.nowMs = at + offerMsMax - 1;
  const { sealed } = valueOf(await exported(a, offer));
  a.nowMs = b.nowMs = at + offerMsMax;
  a.asked = [];
  expect(failureIn(await exported(a, offer))).toMatchObject({
    code: 'RequestInvalid',
    subject: { field: 'expiresAt' },
    remedy: expect.stringContaining('guardian offer') as string,
  });
  expect(a.asked).toEqual([]);
  expect(failureIn(await imported(b, sealed)).code).toBe('NotFound');
  expect(b.stateFiles()).toEqual([]);
});

describe('an offer', () => {
  const small = Buffer.concat([Buffer.from('302a300506032b656e032100', 'hex'), Buffer.alloc(32)]).toString('base64');
  const another = sealingKeyFrom('someone else').publicKeyBase64;
  const withFingerprint = (offer: GuardianOffer) => ({ ...offer, fingerprint: fingerprintOf(offer) });

  test.each<[string, (offer: GuardianOffer) => unknown, string]>([
    ['with another key under the old fingerprint', (offer) => ({ ...offer, publicKey: another }), 'fingerprint'],
    [
      'that is valid for longer than it was made',
      (offer) => ({ ...offer, expiresAt: '2027-01-01T00:00:00.000Z' }),
      'fingerprint',
    ],
    ['with a key of small order', (offer) => withFingerprint({ ...offer, publicKey: small }), 'publicKey'],
    ['with no key', (offer) => withFingerprint({ ...offer, publicKey: 'bm9uZQ==' }), 'publicKey'],
    [
      'of the source host itself',
      (offer) => withFingerprint({ ...offer, hostId: hostId.parse('host-a') }),
      'OFFER.hostId',
    ],
    ['that is something else', () => ({ id: 'x' }), 'OFFER.hyperferry'],
  ])('%s is refused by the source host', async (_what, changed, field) => {
    const { a, b } = hosts();
    const offer = valueOf(await makeOffer(b.parts()));
    expect(failureIn(await exported(a, changed(offer)))).toMatchObject({ code: 'RequestInvalid', subject: { field } });
  });

  test('whose key is changed together with its fingerprint shows another one, which people compare', async () => {
    const { a, b } = hosts();
    const offer = valueOf(await makeOffer(b.parts()));
    const forged = withFingerprint({ ...offer, publicKey: another });
    const { sealed, offer: told } = valueOf(await exported(a, forged));
    expect(told.fingerprint).not.toBe(offer.fingerprint);
    expect(failureIn(await imported(b, sealed)).code).toBe('RequestInvalid');
  });
});

test.each([
  [{ state: 'absent' }, 'NotFound', /no guardian "UntrustedGuardian"/, /guardian list/],
  [{ state: 'no-private-keys', guardian: ofSource }, 'NotFound', /not the private keys/, /host that made it/],
  [
    { state: 'not-exportable', guardian: ofSource },
    'AccessDenied',
    /cannot leave host-a/,
    /Grant-HgsKeyProtectorAccess/,
  ],
])('a guardian that cannot be exported (%j) is %s, with its remedy', async (state, code, message, remedy) => {
  const { a, b } = hosts();
  a.exported = state;
  const failure = failureIn(await exported(a, valueOf(await makeOffer(b.parts()))));
  expect(failure).toMatchObject({ code, effect: 'none', subject: { field: '--name', value: 'UntrustedGuardian' } });
  expect([failure.message, failure.remedy]).toEqual([expect.stringMatching(message), expect.stringMatching(remedy)]);
});

test('another guardian of that name stays, and under another name the one that came stands beside it', async () => {
  const { a, b } = hosts();
  const own = facts('UntrustedGuardian', 'B');
  b.guardians = [own];
  const sealed = await sealedFor(a, b);
  expect(failureIn(await imported(b, sealed))).toMatchObject({
    code: 'DestinationOccupied',
    remedy: expect.stringContaining('--as "UntrustedGuardian of host-a"') as string,
  });
  expect(b.guardians).toEqual([own]);
  expect(valueOf(await imported(b, sealed, 'UntrustedGuardian of host-a')).state).toBe('imported');
  expect(b.guardians.map(({ name }) => name)).toEqual(['UntrustedGuardian', 'UntrustedGuardian of host-a']);
});

test('a guardian that Hyper-V made of other certificates, or without keys, is told as made and wrong', async () => {
  for (const wrong of [facts('UntrustedGuardian', 'C'), { ...ofSource, hasPrivateKey: false }]) {
    const { a, b } = hosts();
    const sealed = await sealedFor(a, b);
    const asked: GuardianCalls = {
      call: (() => Promise.resolve(succeeded({ state: 'imported', guardian: wrong }))) as never,
    };
    expect(failureIn(await importGuardian(b.parts(), asked, sealed))).toMatchObject({
      code: 'HyperVRefused',
      effect: 'applied',
    });
  }
});

test('what a command left that was killed goes at the next start of the agent; nothing does while a command is at work', async () => {
  const { b } = hosts();
  const offer = valueOf(await makeOffer(b.parts()));
  const stateFolder = join(folder, 'host-b');
  const at0 = (...path: string[]) => join(stateFolder, 'guardians', ...path);
  mkdirSync(at0('pfx'));
  writeFileSync(at0('pfx', 'signing.pfx'), 'x');
  writeFileSync(at0('offers', 'half.json.new'), '{');
  const lock = takeStateLock(at0());
  await GuardianFolder.sweep(stateFolder, at);
  expect(existsSync(at0('pfx', 'signing.pfx'))).toBe(true);
  expect(failureIn(await makeOffer(b.parts()))).toMatchObject({ code: 'RequestInvalid' });
  lock?.release();
  await GuardianFolder.sweep(stateFolder, at);
  expect(b.stateFiles()).toEqual([join('guardians', 'offers', `${offer.id}.json`)]);
  await GuardianFolder.sweep(join(folder, 'none'), at);
  expect(existsSync(join(folder, 'none'))).toBe(false);
});
